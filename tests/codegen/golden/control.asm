fib:
    0  push rbp
    1  mov rbp,rsp
    4  sub rsp,0x10
    8  cmp rsp,[r15+0x10]
    c  jb short 0x0000000000000043
    e  mov [rbp-8],r12
   12  cmp esi,2
   15  mov r12,rsi
   18  jae short 0x000000000000001f
   1a  mov rax,r12
   1d  jmp short 0x000000000000003d
   1f  mov rax,r12
   22  lea esi,[rax-1]
   25  call 0
   2a  mov rsi,r12
   2d  mov r12,rax
   30  add esi,0xfffffffe
   33  call 0
   38  mov rcx,r12
   3b  add eax,ecx
   3d  mov r12,[rbp-8]
   41  leave
   42  ret
   43  ud2  ; StackOverflow
import:
    0  push rbp
    1  mov rbp,rsp
    4  sub rsp,0x10
    8  cmp rsp,[r15+0x10]
    c  jb short 0x000000000000005a
    e  mov [rbp-8],r15
   12  mov [rbp-0x10],r12
   16  mov r12,rsi
   19  movsd xmm0,[rip+0x3f]
   21  mov rdi,[r15+0x50]
   25  cmp dword ptr [r15+0x5c],0
   30  je short 0x000000000000003f
   32  call qword ptr [r15+0x48]
   36  add eax,r12d
   39  mov r12,[rbp-0x10]
   3d  leave
   3e  ret
   3f  mov rax,[r15+0x48]
   43  mov rdi,[r15+0x50]
   47  mov r15,rdi
   4a  mov r14,[rdi]
   4d  call rax
   4f  mov eax,eax
   51  mov r15,[rbp-8]
   55  mov r14,[r15]
   58  jmp short 0x0000000000000036
   5a  ud2  ; StackOverflow
   5c  int3
   5d  int3
   5e  int3
   5f  int3
   60  add [rax],al
   62  add [rax],al
   64  add [rax],al
   66  add [rax],al
   69  add [rax],al
   6b  add [rax],al
   6d  add [rax],al
indirect:
    0  push rbp
    1  mov rbp,rsp
    4  sub rsp,0x10
    8  cmp rsp,[r15+0x10]
    c  jb short 0x000000000000005a
    e  mov [rbp-8],r15
   12  mov edx,2
   17  mov rdi,[r15+0xf0]
   1e  cmp rdx,[rdi+8]
   22  jae short 0x000000000000005c
   24  mov r8,[rdi]
   27  mov r11,[r8+rdx*8]
   2b  mov rax,[r15+0x28]
   2f  mov eax,[rax]
   31  cmp eax,[r11+0x10]  ; UninitializedElement
   35  jne short 0x000000000000005e
   37  cmp [r11+8],r15
   3b  jne short 0x0000000000000042
   3d  call qword ptr [r11]
   40  leave
   41  ret
   42  mov rdi,[r11+8]
   46  mov r15,rdi
   49  mov r14,[rdi]
   4c  call qword ptr [r11]
   4f  mov eax,eax
   51  mov r15,[rbp-8]
   55  mov r14,[r15]
   58  jmp short 0x0000000000000040
   5a  ud2  ; StackOverflow
   5c  ud2  ; UndefinedElement
   5e  ud2  ; IndirectCallTypeMismatch
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
