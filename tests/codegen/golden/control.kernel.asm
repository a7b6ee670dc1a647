fib:
    0  endbr64
    4  push rbp
    5  mov rbp,rsp
    8  sub rsp,0x10
    c  cmp rsp,[r15+0x10]
   13  jb short 0x0000000000000057
   15  mov [rbp-8],r12
   19  cmp esi,2
   1c  mov r12,rsi
   1f  jae short 0x0000000000000026
   21  mov rax,r12
   24  jmp short 0x000000000000004a
   26  mov rax,r12
   29  lea esi,[rax-1]
   2c  call 0
   31  mov r14,[r15]
   34  mov rsi,r12
   37  mov r12,rax
   3a  add esi,0xfffffffe
   3d  call 0
   42  mov r14,[r15]
   45  mov rcx,r12
   48  add eax,ecx
   4a  mov r12,[rbp-8]
   4e  mov rsp,rbp
   51  pop rbp
   52  jmp 0xffffffffffffffb0
   57  call 0xffffffffffffffd0  ; StackOverflow
import:
    0  endbr64
    4  push rbp
    5  mov rbp,rsp
    8  sub rsp,0x10
    c  cmp rsp,[r15+0x10]
   13  jb short 0x0000000000000067
   15  mov [rbp-8],r15
   19  mov [rbp-0x10],r12
   1d  cmp dword ptr [r15+0x40],0
   28  jne short 0x000000000000002f
   2a  call 0xffffffffffffff90
   2f  movsd xmm0,[rip+0x39]
   37  mov r12,rsi
   3a  mov rax,[r15+0x48]
   3e  mov rdi,[r15+0x50]
   42  mov r15,rdi
   45  mov r14,[rdi]
   48  call 0xffffffffffffff60
   4d  mov r15,[rbp-8]
   51  mov r14,[r15]
   54  mov esi,eax
   56  lea eax,[rsi+r12]
   5a  mov r12,[rbp-0x10]
   5e  mov rsp,rbp
   61  pop rbp
   62  jmp 0xffffffffffffff50
   67  call 0xffffffffffffff70  ; StackOverflow
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
   13  jb short 0x0000000000000067
   15  mov [rbp-8],r15
   19  mov edx,2
   1e  mov rdi,[r15+0xf0]
   25  cmp rdx,[rdi+8]
   29  jae short 0x000000000000006c
   2b  mov r8,[rdi]
   2e  mov r11,[r8+rdx*8]
   32  test r11,r11
   35  je short 0x0000000000000071
   37  mov rax,[r15+0x28]
   3b  mov eax,[rax]
   3d  cmp eax,[r11+0x10]
   41  jne short 0x0000000000000076
   43  mov rdi,[r11+8]
   47  mov r15,rdi
   4a  mov r14,[rdi]
   4d  mov rax,[r11]
   50  call 0xfffffffffffffee0
   55  mov r15,[rbp-8]
   59  mov r14,[r15]
   5c  mov eax,eax
   5e  mov rsp,rbp
   61  pop rbp
   62  jmp 0xfffffffffffffed0
   67  call 0xfffffffffffffef0  ; StackOverflow
   6c  call 0xfffffffffffffef0  ; UndefinedElement
   71  call 0xfffffffffffffef0  ; UninitializedElement
   76  call 0xfffffffffffffef0  ; IndirectCallTypeMismatch
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
