fib:
    0  push rbp
    1  mov rbp,rsp
    4  sub rsp,0x10
    8  cmp rsp,[r15+0x10]
    f  jb short 0x0000000000000049
   11  mov [rbp-8],r12
   15  cmp esi,2
   18  mov r12,rsi
   1b  jae short 0x0000000000000022
   1d  mov rax,r12
   20  jmp short 0x0000000000000040
   22  mov rax,r12
   25  lea esi,[rax-1]
   28  call 0
   2d  mov rsi,r12
   30  mov r12,rax
   33  add esi,0xfffffffe
   36  call 0
   3b  mov rcx,r12
   3e  add eax,ecx
   40  mov r12,[rbp-8]
   44  mov rsp,rbp
   47  pop rbp
   48  ret
   49  ud2  ; StackOverflow
import:
    0  push rbp
    1  mov rbp,rsp
    4  sub rsp,0x10
    8  cmp rsp,[r15+0x10]
    f  jb short 0x000000000000004a
   11  mov [rbp-8],r15
   15  mov [rbp-0x10],r12
   19  movsd xmm0,[rip+0x2f]
   21  mov r12,rsi
   24  mov rax,[r15+0x48]
   28  mov rdi,[r15+0x50]
   2c  mov r15,rdi
   2f  mov r14,[rdi]
   32  call rax
   34  mov r15,[rbp-8]
   38  mov r14,[r15]
   3b  mov esi,eax
   3d  lea eax,[rsi+r12]
   41  mov r12,[rbp-0x10]
   45  mov rsp,rbp
   48  pop rbp
   49  ret
   4a  ud2  ; StackOverflow
   4c  int3
   4d  int3
   4e  int3
   4f  int3
   50  add [rax],al
   52  add [rax],al
   54  add [rax],al
   56  add [rax],al
   59  add [rax],al
   5b  add [rax],al
   5d  add [rax],al
indirect:
    0  push rbp
    1  mov rbp,rsp
    4  sub rsp,0x10
    8  cmp rsp,[r15+0x10]
    f  jb short 0x0000000000000065
   11  mov [rbp-8],r15
   15  mov edx,2
   1a  mov rdi,[r15+0xf0]
   21  cmp rdx,[rdi+8]
   25  jae short 0x0000000000000067
   27  mov r8,[rdi]
   2a  mov r11,[r8+rdx*8]
   2e  test r11,r11
   31  je short 0x0000000000000069
   33  mov rax,[r15+0x28]
   37  mov eax,[rax]
   39  cmp eax,[r11+0x10]
   3d  jne short 0x000000000000006b
   3f  cmp [r11+8],r15
   43  jne short 0x000000000000004f
   45  call qword ptr [r11]
   48  mov eax,eax
   4a  mov rsp,rbp
   4d  pop rbp
   4e  ret
   4f  mov rdi,[r11+8]
   53  mov r15,rdi
   56  mov r14,[rdi]
   59  call qword ptr [r11]
   5c  mov r15,[rbp-8]
   60  mov r14,[r15]
   63  jmp short 0x0000000000000048
   65  ud2  ; StackOverflow
   67  ud2  ; UndefinedElement
   69  ud2  ; UninitializedElement
   6b  ud2  ; IndirectCallTypeMismatch
switch:
    0  push rbp
    1  mov rbp,rsp
    4  cmp esi,5
    a  jae short 0x000000000000001d
    c  lea r8,[rip+0x35]
   13  movsxd r9,[r8+rsi*4]
   17  add r8,r9
   1a  jmp r8
   1d  mov eax,0xf
   22  pop rbp
   23  ret
   24  mov eax,0xe
   29  pop rbp
   2a  ret
   2b  mov eax,0xd
   30  pop rbp
   31  ret
   32  mov eax,0xc
   37  pop rbp
   38  ret
   39  mov eax,0xb
   3e  pop rbp
   3f  ret
   40  mov eax,0xa
   45  pop rbp
   46  ret
   47  int3
   48  clc
unreachable_if:
    0  push rbp
    1  mov rbp,rsp
    4  test esi,esi
    6  jne short 0x0000000000000011
    8  mov [r15+0x100],esi
    f  pop rbp
   10  ret
   11  ud2  ; Unreachable
while:
    0  push rbp
    1  mov rbp,rsp
    4  mov rax,rdx
    7  test esi,esi
    9  je short 0x0000000000000013
    b  imul eax,esi
    e  add esi,0xffffffff
   11  jmp short 7
   13  pop rbp
   14  ret
