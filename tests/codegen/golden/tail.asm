loop:
    0  push rbp
    1  mov rbp,rsp
    4  cmp rsp,[r15+0x10]
    8  jb short 0x0000000000000022
    a  test esi,esi
    c  jne short 0x0000000000000013
    e  mov rax,rdx
   11  pop rbp
   12  ret
   13  mov rax,rdx
   16  add esi,0xffffffff
   19  lea edx,[rax+3]
   1c  pop rbp
   1d  jmp 0
   22  ud2  ; StackOverflow
widens:
    0  push rbp
    1  mov rbp,rsp
    4  sub rsp,0x20
    8  cmp rsp,[r15+0x10]
    c  jb short 0x000000000000007b
    e  mov edx,1
   13  mov ecx,2
   18  mov r8d,3
   1e  mov r9d,4
   24  mov [rsp],rsi
   28  mov r11d,6
   2e  mov [rsp+8],r11
   33  mov eax,7
   38  mov [rsp+0x10],rax
   3d  mov rax,[rbp]
   41  mov rdi,[rbp+8]
   45  mov r10,[rsp+0x18]
   4a  mov [rbp+8],r10
   4e  mov r10,[rsp+0x10]
   53  mov [rbp],r10
   57  mov r10,[rsp+8]
   5c  mov [rbp-8],r10
   60  mov r10,[rsp]
   64  mov [rbp-0x10],r10
   68  mov [rbp-0x18],rdi
   6c  lea rsp,[rbp-0x18]
   73  mov rbp,rax
   76  jmp 0x0000000000000080
   7b  ud2  ; StackOverflow
narrows:
    0  push rbp
    1  mov rbp,rsp
    4  cmp rsp,[r15+0x10]
    8  jb short 0x0000000000000028
    a  mov esi,[rbp+0x10]
    d  mov rax,[rbp]
   11  mov rdi,[rbp+8]
   15  mov [rbp+0x28],rdi
   19  lea rsp,[rbp+0x28]
   20  mov rbp,rax
   23  jmp 0xffffffffffffff80
   28  ud2  ; StackOverflow
through:
    0  push rbp
    1  mov rbp,rsp
    4  sub rsp,0x30
    8  cmp rsp,[r15+0x10]
    c  jb 0x00000000000000d3
   12  mov [rbp-8],r15
   16  mov [rbp-0x10],rbx
   1a  mov rbx,rsi
   1d  mov eax,[rbp+0x10]
   20  mov r10d,[rbp+0x18]
   24  mov esi,[rbp+0x20]
   27  xor edi,edi
   29  mov r11,[r15+0xa8]
   30  cmp rdi,[r11+8]
   34  jae 0x00000000000000d5
   3a  mov r11,[r11]
   3d  mov r11,[r11+rdi*8]
   41  mov rdi,[r15+0x28]
   45  mov edi,[rdi]
   47  cmp edi,[r11+0x10]  ; UninitializedElement
   4b  jne 0x00000000000000d7
   51  mov [rsp],rcx
   55  mov [rsp+8],rdx
   5a  mov rcx,rbx
   5d  mov [rsp+0x10],rcx
   62  mov rdi,r8
   65  mov r8,r9
   68  mov r9,rdi
   6b  mov rdx,r10
   6e  mov rcx,rax
   71  cmp dword ptr [r11+0x14],0
   76  jne short 0x00000000000000b0
   78  mov rbx,[rbp-0x10]
   7c  mov r10,[rsp+0x18]
   81  mov [rbp+0x28],r10
   85  mov r10,[rsp+0x10]
   8a  mov [rbp+0x20],r10
   8e  mov r10,[rsp+8]
   93  mov [rbp+0x18],r10
   97  mov r10,[rsp]
   9b  mov [rbp+0x10],r10
   9f  mov rsp,rbp
   a2  pop rbp
   a3  mov rdi,[r11+8]
   a7  mov r15,rdi
   aa  mov r14,[rdi]
   ad  jmp qword ptr [r11]
   b0  mov rdi,[r11+8]
   b4  mov r15,rdi
   b7  mov r14,[rdi]
   ba  call qword ptr [r11]
   bd  lea rsp,[rbp-0x30]
   c4  mov r15,[rbp-8]
   c8  mov r14,[r15]
   cb  mov rbx,[rbp-0x10]
   cf  leave
   d0  ret 0x20
   d3  ud2  ; StackOverflow
   d5  ud2  ; UndefinedElement
   d7  ud2  ; IndirectCallTypeMismatch
