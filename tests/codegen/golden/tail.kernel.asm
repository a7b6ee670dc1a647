loop:
    0  endbr64
    4  push rbp
    5  mov rbp,rsp
    8  cmp rsp,[r15+0x10]
    f  jb short 0x0000000000000037
   11  test esi,esi
   13  jne short 0x000000000000001e
   15  mov rax,rdx
   18  pop rbp
   19  jmp 0xffffffffffffffb0
   1e  mov rax,rdx
   21  add esi,0xffffffff
   24  lea edx,[rax+3]
   27  mov r8,[r15+0x18]
   2b  cmp dword ptr [r8],0
   2f  jne short 0x000000000000003c
   31  pop rbp
   32  jmp 0
   37  call 0xffffffffffffffd0  ; StackOverflow
   3c  call 0xffffffffffffffe0  ; Interrupt
   41  jmp short 0x0000000000000031
widens:
    0  endbr64
    4  push rbp
    5  mov rbp,rsp
    8  sub rsp,0x20
    c  cmp rsp,[r15+0x10]
   13  jb short 0x000000000000008b
   15  mov r8,[r15+0x18]
   19  cmp dword ptr [r8],0
   1d  jne short 0x0000000000000090
   1f  mov edx,1
   24  mov ecx,2
   29  mov r8d,3
   2f  mov r9d,4
   35  mov [rsp],rsi
   39  mov eax,6
   3e  mov [rsp+8],rax
   43  mov eax,7
   48  mov [rsp+0x10],rax
   4d  mov rax,[rbp]
   51  mov rdi,[rbp+8]
   55  mov r10,[rsp+0x18]
   5a  mov [rbp+8],r10
   5e  mov r10,[rsp+0x10]
   63  mov [rbp],r10
   67  mov r10,[rsp+8]
   6c  mov [rbp-8],r10
   70  mov r10,[rsp]
   74  mov [rbp-0x10],r10
   78  mov [rbp-0x18],rdi
   7c  lea rsp,[rbp-0x18]
   83  mov rbp,rax
   86  jmp 0x00000000000000a0
   8b  call 0xffffffffffffff80  ; StackOverflow
   90  call 0xffffffffffffff90  ; Interrupt
   95  jmp short 0x000000000000001f
narrows:
    0  endbr64
    4  push rbp
    5  mov rbp,rsp
    8  cmp rsp,[r15+0x10]
    f  jb short 0x0000000000000038
   11  mov esi,[rbp+0x10]
   14  mov rdi,[r15+0x18]
   18  cmp dword ptr [rdi],0
   1b  jne short 0x000000000000003d
   1d  mov rax,[rbp]
   21  mov rdi,[rbp+8]
   25  mov [rbp+0x28],rdi
   29  lea rsp,[rbp+0x28]
   30  mov rbp,rax
   33  jmp 0xffffffffffffff60
   38  call 0xfffffffffffffee0  ; StackOverflow
   3d  call 0xfffffffffffffef0  ; Interrupt
   42  jmp short 0x000000000000001d
through:
    0  endbr64
    4  push rbp
    5  mov rbp,rsp
    8  sub rsp,0x30
    c  cmp rsp,[r15+0x10]
   13  jb 0x000000000000010a
   19  mov [rbp-8],r15
   1d  mov [rbp-0x10],rbx
   21  mov rbx,rsi
   24  mov eax,[rbp+0x10]
   27  mov r10d,[rbp+0x18]
   2b  mov esi,[rbp+0x20]
   2e  mov rdi,[r15+0x18]
   32  cmp dword ptr [rdi],0
   35  jne 0x000000000000011e
   3b  xor edi,edi
   3d  mov r11,[r15+0xa8]
   44  cmp rdi,[r11+8]
   48  jae 0x000000000000010f
   4e  mov r11,[r11]
   51  mov r11,[r11+rdi*8]
   55  test r11,r11
   58  je 0x0000000000000114
   5e  mov rdi,[r15+0x28]
   62  mov edi,[rdi]
   64  cmp edi,[r11+0x10]
   68  jne 0x0000000000000119
   6e  mov [rsp],rcx
   72  mov [rsp+8],rdx
   77  mov rcx,rbx
   7a  mov [rsp+0x10],rcx
   7f  mov rdi,r8
   82  mov r8,r9
   85  mov r9,rdi
   88  mov rdx,r10
   8b  mov rcx,rax
   8e  cmp dword ptr [r11+0x14],0
   93  jne short 0x00000000000000d2
   95  mov rbx,[rbp-0x10]
   99  mov r10,[rsp+0x18]
   9e  mov [rbp+0x28],r10
   a2  mov r10,[rsp+0x10]
   a7  mov [rbp+0x20],r10
   ab  mov r10,[rsp+8]
   b0  mov [rbp+0x18],r10
   b4  mov r10,[rsp]
   b8  mov [rbp+0x10],r10
   bc  mov rsp,rbp
   bf  pop rbp
   c0  mov rdi,[r11+8]
   c4  mov r15,rdi
   c7  mov r14,[rdi]
   ca  mov rax,[r11]
   cd  jmp 0xfffffffffffffe80
   d2  mov rdi,[r11+8]
   d6  mov r15,rdi
   d9  mov r14,[rdi]
   dc  mov rax,[r11]
   df  call 0xfffffffffffffe80
   e4  lea rsp,[rbp-0x30]
   eb  mov r15,[rbp-8]
   ef  mov r14,[r15]
   f2  mov rbx,[rbp-0x10]
   f6  mov rsp,rbp
   f9  pop rbp
   fa  pop r11
   fc  add rsp,0x20
  103  push r11
  105  jmp 0xfffffffffffffe70
  10a  call 0xfffffffffffffe90  ; StackOverflow
  10f  call 0xfffffffffffffe90  ; UndefinedElement
  114  call 0xfffffffffffffe90  ; UninitializedElement
  119  call 0xfffffffffffffe90  ; IndirectCallTypeMismatch
  11e  call 0xfffffffffffffea0  ; Interrupt
  123  jmp 0x000000000000003b
