callee:
    0  endbr64
    4  push rbp
    5  mov rbp,rsp
    8  sub rsp,0x10
    c  cmp rsp,[r15+0x10]
   13  jb short 0x0000000000000062
   15  mov [rbp-8],r12
   19  mov r12,rsi
   1c  xor esi,esi
   1e  mov rax,[r15+0x20]
   22  mov rdi,r15
   25  mov rax,[rax+0x50]
   29  call 0xffffffffffffffc0
   2e  mov r14,[r15]
   31  mov rsi,rax
   34  mov rdi,[rsi+8]
   38  mov r11,r12
   3b  mov [rdi],r11d
   3e  mov rdi,[rsi+8]
   42  mov qword ptr [rdi+0x10],1
   4a  mov rax,[r15+0x20]
   4e  mov rdi,r15
   51  mov rax,[rax+0x58]
   55  call 0xffffffffffffffc0
   5a  mov r14,[r15]
   5d  call 0xffffffffffffffd0  ; Unreachable
   62  call 0xffffffffffffffd0  ; StackOverflow
catches:
    0  endbr64
    4  push rbp
    5  mov rbp,rsp
    8  sub rsp,0x30
    c  cmp rsp,[r15+0x10]
   13  jb 0x00000000000000be
   19  mov [rbp-8],r15
   1d  mov [rbp-0x10],rbx
   21  mov [rbp-0x18],r12
   25  mov [rbp-0x20],r13
   29  mov [rbp-0x28],rdx
   2d  call 0xffffffffffffff90
   32  mov r14,[r15]
   35  mov rdx,[rbp-0x28]
   39  mov rsi,[r15+8]
   3d  lea rcx,[rdx+4]
   41  cmp rcx,[rsi+8]
   45  ja short 0x00000000000000c3
   47  add eax,[r14+rdx]  ; MemoryOutOfBounds
   4b  mov rbx,[rbp-0x10]
   4f  mov r12,[rbp-0x18]
   53  mov r13,[rbp-0x20]
   57  mov rsp,rbp
   5a  pop rbp
   5b  jmp 0xffffffffffffff40
   60  endbr64
   64  lea rsp,[rbp-0x30]
   6b  mov r15,[rbp-8]
   6f  mov r14,[r15]
   72  mov rsi,[r15+0x38]
   76  mov rax,[rsi]
   79  mov rcx,[r15+0x98]
   80  cmp rax,rcx
   83  je short 0x000000000000009d
   85  mov rax,[r15+0x20]
   89  mov rdi,r15
   8c  mov rax,[rax+0x58]
   90  call 0xffffffffffffff50
   95  mov r14,[r15]
   98  call 0xffffffffffffff60  ; Unreachable
   9d  mov rax,[rsi+8]
   a1  mov eax,[rax]
   a3  mov rdx,[rbp-0x28]
   a7  add eax,edx
   a9  mov rbx,[rbp-0x10]
   ad  mov r12,[rbp-0x18]
   b1  mov r13,[rbp-0x20]
   b5  mov rsp,rbp
   b8  pop rbp
   b9  jmp 0xffffffffffffff40
   be  call 0xffffffffffffff60  ; StackOverflow
   c3  call 0xffffffffffffff60  ; MemoryOutOfBounds
cleanup:
    0  endbr64
    4  push rbp
    5  mov rbp,rsp
    8  sub rsp,0x30
    c  cmp rsp,[r15+0x10]
   13  jb short 0x000000000000007c
   15  mov [rbp-8],r15
   19  mov [rbp-0x10],rbx
   1d  mov [rbp-0x18],r12
   21  mov [rbp-0x20],r13
   25  mov [rbp-0x28],rsi
   29  call 0xfffffffffffffec0
   2e  mov r14,[r15]
   31  mov rbx,[rbp-0x10]
   35  mov r12,[rbp-0x18]
   39  mov r13,[rbp-0x20]
   3d  mov rsp,rbp
   40  pop rbp
   41  jmp 0xfffffffffffffe70
   46  endbr64
   4a  lea rsp,[rbp-0x30]
   51  mov r15,[rbp-8]
   55  mov r14,[r15]
   58  mov rsi,[r15+0x38]
   5c  mov r9,[rbp-0x28]
   60  mov [r14+8],r9d  ; MemoryOutOfBounds
   64  mov rax,[r15+0x20]
   68  mov rdi,r15
   6b  mov rax,[rax+0x58]
   6f  call 0xfffffffffffffe80
   74  mov r14,[r15]
   77  call 0xfffffffffffffe90  ; Unreachable
   7c  call 0xfffffffffffffe90  ; StackOverflow
