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
    f  jb 0x0000000000000095
   15  mov [rbp-8],r15
   19  mov [rbp-0x10],rbx
   1d  mov [rbp-0x18],r12
   21  mov [rbp-0x20],r13
   25  mov [rbp-0x28],rdx
   29  call 0xffffffffffffffb0
   2e  jmp short 0x0000000000000060
   30  mov rsi,[r15+0x38]
   34  mov rax,[rsi]
   37  mov rcx,[r15+0x88]
   3e  cmp rax,rcx
   41  jne short 0x0000000000000089
   43  mov rax,[rsi+8]
   47  mov eax,[rax]
   49  mov rdx,[rbp-0x28]
   4d  add eax,edx
   4f  mov rbx,[rbp-0x10]
   53  mov r12,[rbp-0x18]
   57  mov r13,[rbp-0x20]
   5b  mov rsp,rbp
   5e  pop rbp
   5f  ret
   60  mov rdx,[rbp-0x28]
   64  add eax,[r14+rdx]  ; MemoryOutOfBounds
   68  mov rbx,[rbp-0x10]
   6c  mov r12,[rbp-0x18]
   70  mov r13,[rbp-0x20]
   74  mov rsp,rbp
   77  pop rbp
   78  ret
   79  lea rsp,[rbp-0x30]
   80  mov r15,[rbp-8]
   84  mov r14,[r15]
   87  jmp short 0x0000000000000030
   89  mov rax,[r15+0x20]
   8d  mov rdi,r15
   90  call qword ptr [rax+0x58]
   93  ud2  ; Unreachable
   95  ud2  ; StackOverflow
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
   25  call 0xffffffffffffff10
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
