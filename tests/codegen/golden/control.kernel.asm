fib:
    0  endbr64
    4  push rbp
    5  mov rbp,rsp
    8  sub rsp,0x10
    c  cmp rsp,[r15+0x10]
   10  jb short 0x0000000000000051
   12  mov [rbp-8],r12
   16  cmp esi,2
   19  mov r12,rsi
   1c  jae short 0x0000000000000023
   1e  mov rax,r12
   21  jmp short 0x0000000000000047
   23  mov rax,r12
   26  lea esi,[rax-1]
   29  call 0
   2e  mov r14,[r15]
   31  mov rsi,r12
   34  mov r12,rax
   37  add esi,0xfffffffe
   3a  call 0
   3f  mov r14,[r15]
   42  mov rcx,r12
   45  add eax,ecx
   47  mov r12,[rbp-8]
   4b  leave
   4c  jmp 0xffffffffffffffb0
   51  call 0xffffffffffffffd0  ; StackOverflow
import:
    0  endbr64
    4  push rbp
    5  mov rbp,rsp
    8  sub rsp,0x10
    c  cmp rsp,[r15+0x10]
   10  jb short 0x0000000000000061
   12  mov [rbp-8],r15
   16  mov [rbp-0x10],r12
   1a  cmp dword ptr [r15+0x40],0
   25  jne short 0x000000000000002c
   27  call 0xffffffffffffff90
   2c  movsd xmm0,[rip+0x3c]
   34  mov r12,rsi
   37  mov rax,[r15+0x48]
   3b  mov rdi,[r15+0x50]
   3f  mov r15,rdi
   42  mov r14,[rdi]
   45  call 0xffffffffffffff60
   4a  mov r15,[rbp-8]
   4e  mov r14,[r15]
   51  mov esi,eax
   53  lea eax,[rsi+r12]
   57  mov r12,[rbp-0x10]
   5b  leave
   5c  jmp 0xffffffffffffff50
   61  call 0xffffffffffffff70  ; StackOverflow
   66  int3
   67  int3
   68  int3
   69  int3
   6a  int3
   6b  int3
   6c  int3
   6d  int3
   6e  int3
   6f  int3
   70  add [rax],al
   72  add [rax],al
   74  add [rax],al
   76  add [rax],al
   79  add [rax],al
   7b  add [rax],al
   7d  add [rax],al
indirect:
    0  endbr64
    4  push rbp
    5  mov rbp,rsp
    8  sub rsp,0x10
    c  cmp rsp,[r15+0x10]
   10  jb short 0x0000000000000061
   12  mov [rbp-8],r15
   16  mov edx,2
   1b  mov rdi,[r15+0xf0]
   22  cmp rdx,[rdi+8]
   26  jae short 0x0000000000000066
   28  mov r8,[rdi]
   2b  mov r11,[r8+rdx*8]
   2f  test r11,r11
   32  je short 0x000000000000006b
   34  mov rax,[r15+0x28]
   38  mov eax,[rax]
   3a  cmp eax,[r11+0x10]
   3e  jne short 0x0000000000000070
   40  mov rdi,[r11+8]
   44  mov r15,rdi
   47  mov r14,[rdi]
   4a  mov rax,[r11]
   4d  call 0xfffffffffffffee0
   52  mov r15,[rbp-8]
   56  mov r14,[r15]
   59  mov eax,eax
   5b  leave
   5c  jmp 0xfffffffffffffed0
   61  call 0xfffffffffffffef0  ; StackOverflow
   66  call 0xfffffffffffffef0  ; UndefinedElement
   6b  call 0xfffffffffffffef0  ; UninitializedElement
   70  call 0xfffffffffffffef0  ; IndirectCallTypeMismatch
switch:
    0  endbr64
    4  push rbp
    5  mov rbp,rsp
    8  cmp esi,5
    e  jae short 0x000000000000003a
   10  cmp esi,2
   16  jae short 0x0000000000000024
   18  cmp esi,1
   1e  jae short 0x0000000000000022
   20  jmp short 0x0000000000000071
   22  jmp short 0x0000000000000066
   24  cmp esi,3
   2a  jae short 0x000000000000002e
   2c  jmp short 0x000000000000005b
   2e  cmp esi,4
   34  jae short 0x0000000000000038
   36  jmp short 0x0000000000000050
   38  jmp short 0x0000000000000045
   3a  mov eax,0xf
   3f  pop rbp
   40  jmp 0xfffffffffffffe50
   45  mov eax,0xe
   4a  pop rbp
   4b  jmp 0xfffffffffffffe50
   50  mov eax,0xd
   55  pop rbp
   56  jmp 0xfffffffffffffe50
   5b  mov eax,0xc
   60  pop rbp
   61  jmp 0xfffffffffffffe50
   66  mov eax,0xb
   6b  pop rbp
   6c  jmp 0xfffffffffffffe50
   71  mov eax,0xa
   76  pop rbp
   77  jmp 0xfffffffffffffe50
unreachable_if:
    0  endbr64
    4  push rbp
    5  mov rbp,rsp
    8  test esi,esi
    a  jne short 0x0000000000000019
    c  mov [r15+0x100],esi
   13  pop rbp
   14  jmp 0xfffffffffffffdd0
   19  call 0xfffffffffffffdf0  ; Unreachable
while:
    0  endbr64
    4  push rbp
    5  mov rbp,rsp
    8  mov rax,rdx
    b  mov rdi,[r15+0x18]
    f  cmp dword ptr [rdi],0
   12  jne short 0x0000000000000026
   14  test esi,esi
   16  je short 0x0000000000000020
   18  imul eax,esi
   1b  add esi,0xffffffff
   1e  jmp short 0x000000000000000b
   20  pop rbp
   21  jmp 0xfffffffffffffdb0
   26  call 0xfffffffffffffde0  ; Interrupt
   2b  jmp short 0x0000000000000014
