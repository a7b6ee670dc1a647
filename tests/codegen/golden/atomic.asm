lock:
    0  push rbp
    1  mov rbp,rsp
    4  xor eax,eax
    6  mov edi,1
    b  test sil,3
    f  jne short 0x000000000000001f
   11  lock cmpxchg [r14+rsi],edi  ; MemoryOutOfBounds
   17  mov edi,eax
   19  test edi,edi
   1b  jne short 4
   1d  pop rbp
   1e  ret
   1f  ud2  ; UnalignedAtomic
unlock:
    0  push rbp
    1  mov rbp,rsp
    4  xor edi,edi
    6  test sil,3
    a  jne short 0x0000000000000012
    c  xchg [r14+rsi],edi  ; MemoryOutOfBounds
   10  pop rbp
   11  ret
   12  ud2  ; UnalignedAtomic
count:
    0  push rbp
    1  mov rbp,rsp
    4  mov edi,1
    9  test sil,7
    d  jne short 0x000000000000001b
    f  lock xadd [r14+rsi+8],rdi  ; MemoryOutOfBounds
   16  mov rax,rdi
   19  pop rbp
   1a  ret
   1b  ud2  ; UnalignedAtomic
add:
    0  push rbp
    1  mov rbp,rsp
    4  test sil,1
    8  jne short 0x0000000000000012
    a  lock add [r14+rsi],dx  ; MemoryOutOfBounds
   10  pop rbp
   11  ret
   12  ud2  ; UnalignedAtomic
set:
    0  push rbp
    1  mov rbp,rsp
    4  test sil,3
    8  jne short 0x0000000000000020
    a  mov eax,[r14+rsi]  ; MemoryOutOfBounds
    e  mov rdi,rax
   11  or rdi,rdx
   14  lock cmpxchg [r14+rsi],edi  ; MemoryOutOfBounds
   1a  jne short 0x000000000000000e
   1c  mov eax,eax
   1e  pop rbp
   1f  ret
   20  ud2  ; UnalignedAtomic
read:
    0  push rbp
    1  mov rbp,rsp
    4  mfence
    7  movzx eax,byte ptr [r14+rsi+3]  ; MemoryOutOfBounds
    d  pop rbp
    e  ret
