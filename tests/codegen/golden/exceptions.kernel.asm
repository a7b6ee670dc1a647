callee:
    0  endbr64
    4  push rbp
    5  mov rbp,rsp
    8  sub rsp,0x10
    c  cmp rsp,[r15+0x10]
   10  jb short 0x000000000000005f
   12  mov [rbp-8],r12
   16  mov r12,rsi
   19  xor esi,esi
   1b  mov rax,[r15+0x20]
   1f  mov rdi,r15
   22  mov rax,[rax+0x50]
   26  call 0xffffffffffffffc0
   2b  mov r14,[r15]
   2e  mov rsi,rax
   31  mov rdi,[rsi+8]
   35  mov r11,r12
   38  mov [rdi],r11d
   3b  mov rdi,[rsi+8]
   3f  mov qword ptr [rdi+0x10],1
   47  mov rax,[r15+0x20]
   4b  mov rdi,r15
   4e  mov rax,[rax+0x58]
   52  call 0xffffffffffffffc0
   57  mov r14,[r15]
   5a  call 0xffffffffffffffd0  ; Unreachable
   5f  call 0xffffffffffffffd0  ; StackOverflow
catches:
    0  endbr64
    4  push rbp
    5  mov rbp,rsp
    8  sub rsp,0x30
    c  cmp rsp,[r15+0x10]
   10  jb 0x00000000000000b5
   16  mov [rbp-8],r15
   1a  mov [rbp-0x10],rbx
   1e  mov [rbp-0x18],r12
   22  mov [rbp-0x20],r13
   26  mov [rbp-0x28],rdx
   2a  call 0xffffffffffffff90
   2f  mov r14,[r15]
   32  mov rdx,[rbp-0x28]
   36  mov rsi,[r15+8]
   3a  lea rcx,[rdx+4]
   3e  cmp rcx,[rsi+8]
   42  ja short 0x00000000000000ba
   44  add eax,[r14+rdx]  ; MemoryOutOfBounds
   48  mov rbx,[rbp-0x10]
   4c  mov r12,[rbp-0x18]
   50  mov r13,[rbp-0x20]
   54  leave
   55  jmp 0xffffffffffffff40
   5a  endbr64
   5e  lea rsp,[rbp-0x30]
   65  mov r15,[rbp-8]
   69  mov r14,[r15]
   6c  mov rsi,[r15+0x38]
   70  mov rax,[rsi]
   73  mov rcx,[r15+0x98]
   7a  cmp rax,rcx
   7d  je short 0x0000000000000097
   7f  mov rax,[r15+0x20]
   83  mov rdi,r15
   86  mov rax,[rax+0x58]
   8a  call 0xffffffffffffff50
   8f  mov r14,[r15]
   92  call 0xffffffffffffff60  ; Unreachable
   97  mov rax,[rsi+8]
   9b  mov eax,[rax]
   9d  mov rdx,[rbp-0x28]
   a1  add eax,edx
   a3  mov rbx,[rbp-0x10]
   a7  mov r12,[rbp-0x18]
   ab  mov r13,[rbp-0x20]
   af  leave
   b0  jmp 0xffffffffffffff40
   b5  call 0xffffffffffffff60  ; StackOverflow
   ba  call 0xffffffffffffff60  ; MemoryOutOfBounds
cleanup:
    0  endbr64
    4  push rbp
    5  mov rbp,rsp
    8  sub rsp,0x30
    c  cmp rsp,[r15+0x10]
   10  jb short 0x0000000000000076
   12  mov [rbp-8],r15
   16  mov [rbp-0x10],rbx
   1a  mov [rbp-0x18],r12
   1e  mov [rbp-0x20],r13
   22  mov [rbp-0x28],rsi
   26  call 0xfffffffffffffed0
   2b  mov r14,[r15]
   2e  mov rbx,[rbp-0x10]
   32  mov r12,[rbp-0x18]
   36  mov r13,[rbp-0x20]
   3a  leave
   3b  jmp 0xfffffffffffffe80
   40  endbr64
   44  lea rsp,[rbp-0x30]
   4b  mov r15,[rbp-8]
   4f  mov r14,[r15]
   52  mov rsi,[r15+0x38]
   56  mov r9,[rbp-0x28]
   5a  mov [r14+8],r9d  ; MemoryOutOfBounds
   5e  mov rax,[r15+0x20]
   62  mov rdi,r15
   65  mov rax,[rax+0x58]
   69  call 0xfffffffffffffe90
   6e  mov r14,[r15]
   71  call 0xfffffffffffffea0  ; Unreachable
   76  call 0xfffffffffffffea0  ; StackOverflow
