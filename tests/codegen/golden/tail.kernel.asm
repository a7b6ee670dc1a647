loop:
    0  endbr64
    4  push rbp
    5  mov rbp,rsp
    8  cmp rsp,[r15+0x10]
    c  jb short 0x0000000000000034
    e  test esi,esi
   10  jne short 0x000000000000001b
   12  mov rax,rdx
   15  pop rbp
   16  jmp 0xffffffffffffffb0
   1b  mov rax,rdx
   1e  add esi,0xffffffff
   21  lea edx,[rax+3]
   24  mov r8,[r15+0x18]
   28  cmp dword ptr [r8],0
   2c  jne short 0x0000000000000039
   2e  pop rbp
   2f  jmp 0
   34  call 0xffffffffffffffd0  ; StackOverflow
   39  call 0xffffffffffffffe0  ; Interrupt
   3e  jmp short 0x000000000000002e
widens:
    0  endbr64
    4  push rbp
    5  mov rbp,rsp
    8  sub rsp,0x20
    c  cmp rsp,[r15+0x10]
   10  jb short 0x0000000000000088
   12  mov r8,[r15+0x18]
   16  cmp dword ptr [r8],0
   1a  jne short 0x000000000000008d
   1c  mov edx,1
   21  mov ecx,2
   26  mov r8d,3
   2c  mov r9d,4
   32  mov [rsp],rsi
   36  mov eax,6
   3b  mov [rsp+8],rax
   40  mov eax,7
   45  mov [rsp+0x10],rax
   4a  mov rax,[rbp]
   4e  mov rdi,[rbp+8]
   52  mov r10,[rsp+0x18]
   57  mov [rbp+8],r10
   5b  mov r10,[rsp+0x10]
   60  mov [rbp],r10
   64  mov r10,[rsp+8]
   69  mov [rbp-8],r10
   6d  mov r10,[rsp]
   71  mov [rbp-0x10],r10
   75  mov [rbp-0x18],rdi
   79  lea rsp,[rbp-0x18]
   80  mov rbp,rax
   83  jmp 0x00000000000000a0
   88  call 0xffffffffffffff90  ; StackOverflow
   8d  call 0xffffffffffffffa0  ; Interrupt
   92  jmp short 0x000000000000001c
narrows:
    0  endbr64
    4  push rbp
    5  mov rbp,rsp
    8  cmp rsp,[r15+0x10]
    c  jb short 0x0000000000000035
    e  mov esi,[rbp+0x10]
   11  mov rdi,[r15+0x18]
   15  cmp dword ptr [rdi],0
   18  jne short 0x000000000000003a
   1a  mov rax,[rbp]
   1e  mov rdi,[rbp+8]
   22  mov [rbp+0x28],rdi
   26  lea rsp,[rbp+0x28]
   2d  mov rbp,rax
   30  jmp 0xffffffffffffff60
   35  call 0xfffffffffffffef0  ; StackOverflow
   3a  call 0xffffffffffffff00  ; Interrupt
   3f  jmp short 0x000000000000001a
through:
    0  endbr64
    4  push rbp
    5  mov rbp,rsp
    8  sub rsp,0x30
    c  cmp rsp,[r15+0x10]
   10  jb 0x0000000000000104
   16  mov [rbp-8],r15
   1a  mov [rbp-0x10],rbx
   1e  mov rbx,rsi
   21  mov eax,[rbp+0x10]
   24  mov r10d,[rbp+0x18]
   28  mov esi,[rbp+0x20]
   2b  mov rdi,[r15+0x18]
   2f  cmp dword ptr [rdi],0
   32  jne 0x0000000000000118
   38  xor edi,edi
   3a  mov r11,[r15+0xa8]
   41  cmp rdi,[r11+8]
   45  jae 0x0000000000000109
   4b  mov r11,[r11]
   4e  mov r11,[r11+rdi*8]
   52  test r11,r11
   55  je 0x000000000000010e
   5b  mov rdi,[r15+0x28]
   5f  mov edi,[rdi]
   61  cmp edi,[r11+0x10]
   65  jne 0x0000000000000113
   6b  mov [rsp],rcx
   6f  mov [rsp+8],rdx
   74  mov rcx,rbx
   77  mov [rsp+0x10],rcx
   7c  mov rdi,r8
   7f  mov r8,r9
   82  mov r9,rdi
   85  mov rdx,r10
   88  mov rcx,rax
   8b  cmp dword ptr [r11+0x14],0
   90  jne short 0x00000000000000cf
   92  mov rbx,[rbp-0x10]
   96  mov r10,[rsp+0x18]
   9b  mov [rbp+0x28],r10
   9f  mov r10,[rsp+0x10]
   a4  mov [rbp+0x20],r10
   a8  mov r10,[rsp+8]
   ad  mov [rbp+0x18],r10
   b1  mov r10,[rsp]
   b5  mov [rbp+0x10],r10
   b9  mov rsp,rbp
   bc  pop rbp
   bd  mov rdi,[r11+8]
   c1  mov r15,rdi
   c4  mov r14,[rdi]
   c7  mov rax,[r11]
   ca  jmp 0xfffffffffffffe90
   cf  mov rdi,[r11+8]
   d3  mov r15,rdi
   d6  mov r14,[rdi]
   d9  mov rax,[r11]
   dc  call 0xfffffffffffffe90
   e1  lea rsp,[rbp-0x30]
   e8  mov r15,[rbp-8]
   ec  mov r14,[r15]
   ef  mov rbx,[rbp-0x10]
   f3  leave
   f4  pop r11
   f6  add rsp,0x20
   fd  push r11
   ff  jmp 0xfffffffffffffe80
  104  call 0xfffffffffffffea0  ; StackOverflow
  109  call 0xfffffffffffffea0  ; UndefinedElement
  10e  call 0xfffffffffffffea0  ; UninitializedElement
  113  call 0xfffffffffffffea0  ; IndirectCallTypeMismatch
  118  call 0xfffffffffffffeb0  ; Interrupt
  11d  jmp 0x0000000000000038
