lock:
    0  endbr64
    4  push rbp
    5  mov rbp,rsp
    8  mov r9,[r15+0x18]
    c  cmp dword ptr [r9],0
   10  jne short 0x000000000000004b
   12  xor eax,eax
   14  mov edi,1
   19  test sil,3
   1d  jne short 0x0000000000000041
   1f  mov r11,[r15+8]
   23  lea rcx,[rsi+4]
   27  cmp rcx,[r11+8]
   2b  ja short 0x0000000000000046
   2d  lock cmpxchg [r14+rsi],edi  ; MemoryOutOfBounds
   33  mov r9d,eax
   36  test r9d,r9d
   39  jne short 8
   3b  pop rbp
   3c  jmp 0xffffffffffffffb0
   41  call 0xffffffffffffffd0  ; UnalignedAtomic
   46  call 0xffffffffffffffd0  ; MemoryOutOfBounds
   4b  call 0xffffffffffffffe0  ; Interrupt
   50  jmp short 0x0000000000000012
unlock:
    0  endbr64
    4  push rbp
    5  mov rbp,rsp
    8  xor edi,edi
    a  test sil,3
    e  jne short 0x0000000000000028
   10  mov r9,[r15+8]
   14  lea r8,[rsi+4]
   18  cmp r8,[r9+8]
   1c  ja short 0x000000000000002d
   1e  xchg [r14+rsi],edi  ; MemoryOutOfBounds
   22  pop rbp
   23  jmp 0xffffffffffffff50
   28  call 0xffffffffffffff70  ; UnalignedAtomic
   2d  call 0xffffffffffffff70  ; MemoryOutOfBounds
count:
    0  endbr64
    4  push rbp
    5  mov rbp,rsp
    8  mov edi,1
    d  test sil,7
   11  jne short 0x0000000000000031
   13  mov r9,[r15+8]
   17  lea r8,[rsi+0x10]
   1b  cmp r8,[r9+8]
   1f  ja short 0x0000000000000036
   21  lock xadd [r14+rsi+8],rdi  ; MemoryOutOfBounds
   28  mov rax,rdi
   2b  pop rbp
   2c  jmp 0xffffffffffffff10
   31  call 0xffffffffffffff30  ; UnalignedAtomic
   36  call 0xffffffffffffff30  ; MemoryOutOfBounds
add:
    0  endbr64
    4  push rbp
    5  mov rbp,rsp
    8  test sil,1
    c  jne short 0x0000000000000028
    e  mov r8,[r15+8]
   12  lea rdi,[rsi+2]
   16  cmp rdi,[r8+8]
   1a  ja short 0x000000000000002d
   1c  lock add [r14+rsi],dx  ; MemoryOutOfBounds
   22  pop rbp
   23  jmp 0xfffffffffffffed0
   28  call 0xfffffffffffffef0  ; UnalignedAtomic
   2d  call 0xfffffffffffffef0  ; MemoryOutOfBounds
set:
    0  endbr64
    4  push rbp
    5  mov rbp,rsp
    8  test sil,3
    c  jne short 0x0000000000000036
    e  mov r8,[r15+8]
   12  lea rdi,[rsi+4]
   16  cmp rdi,[r8+8]
   1a  ja short 0x000000000000003b
   1c  mov eax,[r14+rsi]  ; MemoryOutOfBounds
   20  mov r10,rax
   23  or r10,rdx
   26  lock cmpxchg [r14+rsi],r10d  ; MemoryOutOfBounds
   2c  jne short 0x0000000000000020
   2e  mov eax,eax
   30  pop rbp
   31  jmp 0xfffffffffffffe90
   36  call 0xfffffffffffffeb0  ; UnalignedAtomic
   3b  call 0xfffffffffffffeb0  ; MemoryOutOfBounds
read:
    0  endbr64
    4  push rbp
    5  mov rbp,rsp
    8  mfence
    b  mov r8,[r15+8]
    f  lea rdi,[rsi+4]
   13  cmp rdi,[r8+8]
   17  ja short 0x0000000000000025
   19  movzx eax,byte ptr [r14+rsi+3]  ; MemoryOutOfBounds
   1f  pop rbp
   20  jmp 0xfffffffffffffe50
   25  call 0xfffffffffffffe70  ; MemoryOutOfBounds
