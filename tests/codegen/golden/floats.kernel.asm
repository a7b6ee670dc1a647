dot:
    0  endbr64
    4  push rbp
    5  mov rbp,rsp
    8  cmp dword ptr [r15+0x40],0
   13  jne short 0x000000000000001a
   15  call 0xfffffffffffffff0
   1a  xorps xmm0,xmm0
   1d  mov rax,[r15+0x18]
   21  cmp dword ptr [rax],0
   24  jne short 0x000000000000006e
   26  mov rdi,[r15+8]
   2a  lea rax,[rdx+8]
   2e  cmp rax,[rdi+8]
   32  ja short 0x0000000000000064
   34  movsd xmm1,[r14+rdx]  ; MemoryOutOfBounds
   3a  mov rdi,[r15+8]
   3e  lea rax,[rsi+8]
   42  cmp rax,[rdi+8]
   46  ja short 0x0000000000000069
   48  vmulsd xmm15,xmm1,[r14+rsi]  ; MemoryOutOfBounds
   4e  addsd xmm0,xmm15
   53  add esi,8
   56  add edx,8
   59  add ecx,0xffffffff
   5c  jne short 0x000000000000001d
   5e  pop rbp
   5f  jmp 0xffffffffffffffb0
   64  call 0xffffffffffffffd0  ; MemoryOutOfBounds
   69  call 0xffffffffffffffd0  ; MemoryOutOfBounds
   6e  call 0xffffffffffffffe0  ; Interrupt
   73  jmp short 0x0000000000000026
min:
    0  endbr64
    4  push rbp
    5  mov rbp,rsp
    8  cmp dword ptr [r15+0x40],0
   13  jne short 0x000000000000001a
   15  call 0xffffffffffffff70
   1a  ucomiss xmm0,xmm1
   1d  jne short 0x000000000000002c
   1f  jp short 0x0000000000000026
   21  orps xmm0,xmm1
   24  jmp short 0x0000000000000030
   26  addss xmm0,xmm1
   2a  jmp short 0x0000000000000030
   2c  minss xmm0,xmm1
   30  pop rbp
   31  jmp 0xffffffffffffff30
copysign:
    0  endbr64
    4  push rbp
    5  mov rbp,rsp
    8  cmp dword ptr [r15+0x40],0
   13  jne short 0x000000000000001a
   15  call 0xffffffffffffff30
   1a  andps xmm0,[rip+0x1f]
   21  andps xmm1,[rip+0x28]
   28  orps xmm0,xmm1
   2b  pop rbp
   2c  jmp 0xfffffffffffffef0
   31  int3
   32  int3
   33  int3
   34  int3
   35  int3
   36  int3
   37  int3
   38  int3
   39  int3
   3a  int3
   3b  int3
   3c  int3
   3d  int3
   3e  int3
   3f  int3
less:
    0  endbr64
    4  push rbp
    5  mov rbp,rsp
    8  cmp dword ptr [r15+0x40],0
   13  jne short 0x000000000000001a
   15  call 0xfffffffffffffed0
   1a  ucomisd xmm1,xmm0
   1e  ja short 0x0000000000000027
   20  mov eax,4
   25  jmp short 0x000000000000002c
   27  mov eax,3
   2c  pop rbp
   2d  jmp 0xfffffffffffffe90
equal:
    0  endbr64
    4  push rbp
    5  mov rbp,rsp
    8  cmp dword ptr [r15+0x40],0
   13  jne short 0x000000000000001a
   15  call 0xfffffffffffffe90
   1a  movaps xmm4,xmm0
   1d  cmpeqsd xmm4,xmm1
   22  movd eax,xmm4
   26  and eax,1
   29  pop rbp
   2a  jmp 0xfffffffffffffe50
trunc:
    0  endbr64
    4  push rbp
    5  mov rbp,rsp
    8  cmp dword ptr [r15+0x40],0
   13  jne short 0x000000000000001a
   15  call 0xfffffffffffffe60
   1a  cvttsd2si eax,xmm0
   1e  cmp eax,1
   21  jo short 0x0000000000000029
   23  pop rbp
   24  jmp 0xfffffffffffffe20
   29  ucomisd xmm0,xmm0
   2d  jp short 0x000000000000004f
   2f  mov rsi,0xc1e0000000200000
   39  movq xmm3,rsi
   3e  ucomisd xmm0,xmm3
   42  jbe short 0x0000000000000054
   44  xorps xmm3,xmm3
   47  ucomisd xmm0,xmm3
   4b  ja short 0x0000000000000054
   4d  jmp short 0x0000000000000023
   4f  call 0xfffffffffffffe40  ; InvalidConversionToInteger
   54  call 0xfffffffffffffe40  ; IntegerOverflow
saturate:
    0  endbr64
    4  push rbp
    5  mov rbp,rsp
    8  cmp dword ptr [r15+0x40],0
   13  jne short 0x000000000000001a
   15  call 0xfffffffffffffe00
   1a  mov esi,0x5f000000
   1f  movd xmm3,esi
   23  ucomiss xmm0,xmm3
   26  jae short 0x0000000000000038
   28  cvttss2si rax,xmm0
   2d  test rax,rax
   30  js short 0x0000000000000067
   32  pop rbp
   33  jmp 0xfffffffffffffdc0
   38  mov esi,0xdf000000
   3d  movd xmm3,esi
   41  addss xmm3,xmm0
   45  cvttss2si rax,xmm3
   4a  test rax,rax
   4d  js short 0x000000000000005e
   4f  mov rsi,0x8000000000000000
   59  or rax,rsi
   5c  jmp short 0x0000000000000032
   5e  mov rax,0xffffffffffffffff
   65  jmp short 0x0000000000000032
   67  xor eax,eax
   69  jmp short 0x0000000000000032
unsigned:
    0  endbr64
    4  push rbp
    5  mov rbp,rsp
    8  cmp dword ptr [r15+0x40],0
   13  jne short 0x000000000000001a
   15  call 0xfffffffffffffd90
   1a  mov r8,rsi
   1d  xorps xmm0,xmm0
   20  test r8,r8
   23  js short 0x000000000000002c
   25  cvtsi2sd xmm0,r8
   2a  jmp short 0x0000000000000044
   2c  mov rdi,r8
   2f  shr rdi,1
   32  mov esi,r8d
   35  and esi,1
   38  or rdi,rsi
   3b  cvtsi2sd xmm0,rdi
   40  addsd xmm0,xmm0
   44  pop rbp
   45  jmp 0xfffffffffffffd50
round:
    0  endbr64
    4  push rbp
    5  mov rbp,rsp
    8  cmp dword ptr [r15+0x40],0
   13  jne short 0x000000000000001a
   15  call 0xfffffffffffffd40
   1a  vmulsd xmm2,xmm0,[rip+0x1e]
   22  xorps xmm0,xmm0
   25  roundsd xmm0,xmm2,9
   2b  pop rbp
   2c  jmp 0xfffffffffffffd00
   31  int3
   32  int3
   33  int3
   34  int3
   35  int3
   36  int3
   37  int3
   38  int3
   39  int3
   3a  int3
   3b  int3
   3c  int3
   3d  int3
   3e  int3
   3f  int3
   40  add [rax],al
   42  add [rax],al
   44  add [rax],al
   46  loopne 0x0000000000000087
   48  add [rax],al
   4a  add [rax],al
   4c  add [rax],al
   4e  add [rax],al
