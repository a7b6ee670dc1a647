callee:
    0  push rbp
    1  mov rbp,rsp
    4  sub rsp,0x10
    8  cmp rsp,[r15+0x10]
    f  jb short 0x0000000000000049
   11  mov [rbp-8],r12
   15  mov r12,rsi
   18  xor esi,esi
   1a  mov rax,[r15+0x20]
   1e  mov rdi,r15
   21  call qword ptr [rax+0x50]
   24  mov rsi,rax
   27  mov rdi,[rsi+8]
   2b  mov r11,r12
   2e  mov [rdi],r11d
   31  mov rdi,[rsi+8]
   35  mov qword ptr [rdi+0x10],1
   3d  mov rax,[r15+0x20]
   41  mov rdi,r15
   44  call qword ptr [rax+0x58]
   47  ud2  ; Unreachable
   49  ud2  ; StackOverflow
catches:
    0  push rbp
    1  mov rbp,rsp
    4  sub rsp,0x30
    8  cmp rsp,[r15+0x10]
    f  jb short 0x000000000000008d
   11  mov [rbp-8],r15
   15  mov [rbp-0x10],rbx
   19  mov [rbp-0x18],r12
   1d  mov [rbp-0x20],r13
   21  mov [rbp-0x28],rdx
   25  call 0xffffffffffffffb0
   2a  mov rdx,[rbp-0x28]
   2e  add eax,[r14+rdx]  ; MemoryOutOfBounds
   32  mov rbx,[rbp-0x10]
   36  mov r12,[rbp-0x18]
   3a  mov r13,[rbp-0x20]
   3e  mov rsp,rbp
   41  pop rbp
   42  ret
   43  lea rsp,[rbp-0x30]
   4a  mov r15,[rbp-8]
   4e  mov r14,[r15]
   51  mov rsi,[r15+0x38]
   55  mov rax,[rsi]
   58  mov rcx,[r15+0x98]
   5f  cmp rax,rcx
   62  je short 0x0000000000000070
   64  mov rax,[r15+0x20]
   68  mov rdi,r15
   6b  call qword ptr [rax+0x58]
   6e  ud2  ; Unreachable
   70  mov rax,[rsi+8]
   74  mov eax,[rax]
   76  mov rdx,[rbp-0x28]
   7a  add eax,edx
   7c  mov rbx,[rbp-0x10]
   80  mov r12,[rbp-0x18]
   84  mov r13,[rbp-0x20]
   88  mov rsp,rbp
   8b  pop rbp
   8c  ret
   8d  ud2  ; StackOverflow
cleanup:
    0  push rbp
    1  mov rbp,rsp
    4  sub rsp,0x30
    8  cmp rsp,[r15+0x10]
    f  jb short 0x0000000000000061
   11  mov [rbp-8],r15
   15  mov [rbp-0x10],rbx
   19  mov [rbp-0x18],r12
   1d  mov [rbp-0x20],r13
   21  mov [rbp-0x28],rsi
   25  call 0xffffffffffffff20
   2a  mov rbx,[rbp-0x10]
   2e  mov r12,[rbp-0x18]
   32  mov r13,[rbp-0x20]
   36  mov rsp,rbp
   39  pop rbp
   3a  ret
   3b  lea rsp,[rbp-0x30]
   42  mov r15,[rbp-8]
   46  mov r14,[r15]
   49  mov rsi,[r15+0x38]
   4d  mov r9,[rbp-0x28]
   51  mov [r14+8],r9d  ; MemoryOutOfBounds
   55  mov rax,[r15+0x20]
   59  mov rdi,r15
   5c  call qword ptr [rax+0x58]
   5f  ud2  ; Unreachable
   61  ud2  ; StackOverflow
