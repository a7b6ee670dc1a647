dot:
    0  push rbp
    1  mov rbp,rsp
    4  xorps xmm0,xmm0
    7  movsd xmm12,[r14+rdx]  ; MemoryOutOfBounds
    d  mulsd xmm12,[r14+rsi]  ; MemoryOutOfBounds
   13  addsd xmm0,xmm12
   18  add esi,8
   1b  add edx,8
   1e  add ecx,0xffffffff
   21  jne short 7
   23  pop rbp
   24  ret
min:
    0  push rbp
    1  mov rbp,rsp
    4  ucomiss xmm0,xmm1
    7  jne short 0x0000000000000016
    9  jp short 0x0000000000000010
    b  orps xmm0,xmm1
    e  jmp short 0x000000000000001a
   10  addss xmm0,xmm1
   14  jmp short 0x000000000000001a
   16  minss xmm0,xmm1
   1a  pop rbp
   1b  ret
copysign:
    0  push rbp
    1  mov rbp,rsp
    4  andps xmm0,[rip+0x15]
    b  andps xmm1,[rip+0x1e]
   12  orps xmm0,xmm1
   15  pop rbp
   16  ret
   17  int3
   18  int3
   19  int3
   1a  int3
   1b  int3
   1c  int3
   1d  int3
   1e  int3
   1f  int3
less:
    0  push rbp
    1  mov rbp,rsp
    4  ucomisd xmm1,xmm0
    8  ja short 0x0000000000000011
    a  mov eax,4
    f  jmp short 0x0000000000000016
   11  mov eax,3
   16  pop rbp
   17  ret
equal:
    0  push rbp
    1  mov rbp,rsp
    4  movaps xmm4,xmm0
    7  cmpeqsd xmm4,xmm1
    c  movd eax,xmm4
   10  and eax,1
   13  pop rbp
   14  ret
trunc:
    0  push rbp
    1  mov rbp,rsp
    4  cvttsd2si eax,xmm0
    8  cmp eax,1
    b  jo short 0x000000000000000f
    d  pop rbp
    e  ret
    f  ucomisd xmm0,xmm0
   13  jp short 0x0000000000000035
   15  mov rsi,0xc1e0000000200000
   1f  movq xmm3,rsi
   24  ucomisd xmm0,xmm3
   28  jbe short 0x0000000000000037
   2a  xorps xmm3,xmm3
   2d  ucomisd xmm0,xmm3
   31  ja short 0x0000000000000037
   33  jmp short 0x000000000000000d
   35  ud2  ; InvalidConversionToInteger
   37  ud2  ; IntegerOverflow
saturate:
    0  push rbp
    1  mov rbp,rsp
    4  mov esi,0x5f000000
    9  movd xmm3,esi
    d  ucomiss xmm0,xmm3
   10  jae short 0x000000000000001e
   12  cvttss2si rax,xmm0
   17  test rax,rax
   1a  js short 0x000000000000004d
   1c  pop rbp
   1d  ret
   1e  mov esi,0xdf000000
   23  movd xmm3,esi
   27  addss xmm3,xmm0
   2b  cvttss2si rax,xmm3
   30  test rax,rax
   33  js short 0x0000000000000044
   35  mov rsi,0x8000000000000000
   3f  or rax,rsi
   42  jmp short 0x000000000000001c
   44  mov rax,0xffffffffffffffff
   4b  jmp short 0x000000000000001c
   4d  xor eax,eax
   4f  jmp short 0x000000000000001c
unsigned:
    0  push rbp
    1  mov rbp,rsp
    4  mov r8,rsi
    7  xorps xmm0,xmm0
    a  test r8,r8
    d  js short 0x0000000000000016
    f  cvtsi2sd xmm0,r8
   14  jmp short 0x000000000000002e
   16  mov rdi,r8
   19  shr rdi,1
   1c  mov esi,r8d
   1f  and esi,1
   22  or rdi,rsi
   25  cvtsi2sd xmm0,rdi
   2a  addsd xmm0,xmm0
   2e  pop rbp
   2f  ret
round:
    0  push rbp
    1  mov rbp,rsp
    4  vmulsd xmm2,xmm0,[rip+0x14]
    c  xorps xmm0,xmm0
    f  roundsd xmm0,xmm2,9
   15  pop rbp
   16  ret
   17  int3
   18  int3
   19  int3
   1a  int3
   1b  int3
   1c  int3
   1d  int3
   1e  int3
   1f  int3
   20  add [rax],al
   22  add [rax],al
   24  add [rax],al
   26  loopne 0x0000000000000067
   28  add [rax],al
   2a  add [rax],al
   2c  add [rax],al
   2e  add [rax],al
