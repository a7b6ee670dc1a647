loop:
    0  push rbp
    1  mov rbp,rsp
    4  cmp rsp,[r15+0x10]
    b  jb short 0x0000000000000025
    d  test esi,esi
    f  jne short 0x0000000000000016
   11  mov rax,rdx
   14  pop rbp
   15  ret
   16  mov rax,rdx
   19  add esi,0xffffffff
   1c  lea edx,[rax+3]
   1f  pop rbp
   20  jmp 0
   25  ud2  ; StackOverflow
widens:
    0  push rbp
    1  mov rbp,rsp
    4  sub rsp,0x20
    8  cmp rsp,[r15+0x10]
    f  jb short 0x000000000000007e
   11  mov edx,1
   16  mov ecx,2
   1b  mov r8d,3
   21  mov r9d,4
   27  mov [rsp],rsi
   2b  mov r11d,6
   31  mov [rsp+8],r11
   36  mov eax,7
   3b  mov [rsp+0x10],rax
   40  mov rax,[rbp]
   44  mov rdi,[rbp+8]
   48  mov r10,[rsp+0x18]
   4d  mov [rbp+8],r10
   51  mov r10,[rsp+0x10]
   56  mov [rbp],r10
   5a  mov r10,[rsp+8]
   5f  mov [rbp-8],r10
   63  mov r10,[rsp]
   67  mov [rbp-0x10],r10
   6b  mov [rbp-0x18],rdi
   6f  lea rsp,[rbp-0x18]
   76  mov rbp,rax
   79  jmp 0x0000000000000080
   7e  ud2  ; StackOverflow
narrows:
    0  push rbp
    1  mov rbp,rsp
    4  cmp rsp,[r15+0x10]
    b  jb short 0x000000000000002b
    d  mov esi,[rbp+0x10]
   10  mov rax,[rbp]
   14  mov rdi,[rbp+8]
   18  mov [rbp+0x28],rdi
   1c  lea rsp,[rbp+0x28]
   23  mov rbp,rax
   26  jmp 0xffffffffffffff80
   2b  ud2  ; StackOverflow
through:
    0  push rbp
    1  mov rbp,rsp
    4  sub rsp,0x30
    8  cmp rsp,[r15+0x10]
    f  jb 0x00000000000000e2
   15  mov [rbp-8],r15
   19  mov [rbp-0x10],rbx
   1d  mov rbx,rsi
   20  mov eax,[rbp+0x10]
   23  mov r10d,[rbp+0x18]
   27  mov esi,[rbp+0x20]
   2a  xor edi,edi
   2c  mov r11,[r15+0xa8]
   33  cmp rdi,[r11+8]
   37  jae 0x00000000000000e4
   3d  mov r11,[r11]
   40  mov r11,[r11+rdi*8]
   44  test r11,r11
   47  je 0x00000000000000e6
   4d  mov rdi,[r15+0x28]
   51  mov edi,[rdi]
   53  cmp edi,[r11+0x10]
   57  jne 0x00000000000000e8
   5d  mov [rsp],rcx
   61  mov [rsp+8],rdx
   66  mov rcx,rbx
   69  mov [rsp+0x10],rcx
   6e  mov rdi,r8
   71  mov r8,r9
   74  mov r9,rdi
   77  mov rdx,r10
   7a  mov rcx,rax
   7d  cmp dword ptr [r11+0x14],0
   82  jne short 0x00000000000000bc
   84  mov rbx,[rbp-0x10]
   88  mov r10,[rsp+0x18]
   8d  mov [rbp+0x28],r10
   91  mov r10,[rsp+0x10]
   96  mov [rbp+0x20],r10
   9a  mov r10,[rsp+8]
   9f  mov [rbp+0x18],r10
   a3  mov r10,[rsp]
   a7  mov [rbp+0x10],r10
   ab  mov rsp,rbp
   ae  pop rbp
   af  mov rdi,[r11+8]
   b3  mov r15,rdi
   b6  mov r14,[rdi]
   b9  jmp qword ptr [r11]
   bc  mov rdi,[r11+8]
   c0  mov r15,rdi
   c3  mov r14,[rdi]
   c6  call qword ptr [r11]
   c9  lea rsp,[rbp-0x30]
   d0  mov r15,[rbp-8]
   d4  mov r14,[r15]
   d7  mov rbx,[rbp-0x10]
   db  mov rsp,rbp
   de  pop rbp
   df  ret 0x20
   e2  ud2  ; StackOverflow
   e4  ud2  ; UndefinedElement
   e6  ud2  ; UninitializedElement
   e8  ud2  ; IndirectCallTypeMismatch
