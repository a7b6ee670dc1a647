callee:
    0  push rbp
    1  mov rbp,rsp
    4  sub rsp,0x10
    8  cmp rsp,[r15+0x10]
    c  jb short 0x0000000000000046
    e  mov [rbp-8],r12
   12  mov r12,rsi
   15  xor esi,esi
   17  mov rax,[r15+0x20]
   1b  mov rdi,r15
   1e  call qword ptr [rax+0x50]
   21  mov rsi,rax
   24  mov rdi,[rsi+8]
   28  mov r11,r12
   2b  mov [rdi],r11d
   2e  mov rdi,[rsi+8]
   32  mov qword ptr [rdi+0x10],1
   3a  mov rax,[r15+0x20]
   3e  mov rdi,r15
   41  call qword ptr [rax+0x58]
   44  ud2  ; Unreachable
   46  ud2  ; StackOverflow
catches:
    0  push rbp
    1  mov rbp,rsp
    4  sub rsp,0x30
    8  cmp rsp,[r15+0x10]
    c  jb short 0x0000000000000084
    e  mov [rbp-8],r15
   12  mov [rbp-0x10],rbx
   16  mov [rbp-0x18],r12
   1a  mov [rbp-0x20],r13
   1e  mov [rbp-0x28],rdx
   22  call 0xffffffffffffffb0
   27  mov rdx,[rbp-0x28]
   2b  add eax,[r14+rdx]  ; MemoryOutOfBounds
   2f  mov rbx,[rbp-0x10]
   33  mov r12,[rbp-0x18]
   37  mov r13,[rbp-0x20]
   3b  leave
   3c  ret
   3d  lea rsp,[rbp-0x30]
   44  mov r15,[rbp-8]
   48  mov r14,[r15]
   4b  mov rsi,[r15+0x38]
   4f  mov rax,[rsi]
   52  mov rcx,[r15+0x98]
   59  cmp rax,rcx
   5c  je short 0x000000000000006a
   5e  mov rax,[r15+0x20]
   62  mov rdi,r15
   65  call qword ptr [rax+0x58]
   68  ud2  ; Unreachable
   6a  mov rax,[rsi+8]
   6e  mov eax,[rax]
   70  mov rdx,[rbp-0x28]
   74  add eax,edx
   76  mov rbx,[rbp-0x10]
   7a  mov r12,[rbp-0x18]
   7e  mov r13,[rbp-0x20]
   82  leave
   83  ret
   84  ud2  ; StackOverflow
cleanup:
    0  push rbp
    1  mov rbp,rsp
    4  sub rsp,0x30
    8  cmp rsp,[r15+0x10]
    c  jb short 0x000000000000005b
    e  mov [rbp-8],r15
   12  mov [rbp-0x10],rbx
   16  mov [rbp-0x18],r12
   1a  mov [rbp-0x20],r13
   1e  mov [rbp-0x28],rsi
   22  call 0xffffffffffffff20
   27  mov rbx,[rbp-0x10]
   2b  mov r12,[rbp-0x18]
   2f  mov r13,[rbp-0x20]
   33  leave
   34  ret
   35  lea rsp,[rbp-0x30]
   3c  mov r15,[rbp-8]
   40  mov r14,[r15]
   43  mov rsi,[r15+0x38]
   47  mov r9,[rbp-0x28]
   4b  mov [r14+8],r9d  ; MemoryOutOfBounds
   4f  mov rax,[r15+0x20]
   53  mov rdi,r15
   56  call qword ptr [rax+0x58]
   59  ud2  ; Unreachable
   5b  ud2  ; StackOverflow
