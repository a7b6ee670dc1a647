saxpy:
    0  endbr64
    4  push rbp
    5  mov rbp,rsp
    8  cmp dword ptr [r15+0x40],0
   13  jne short 0x000000000000001a
   15  call 0xfffffffffffffff0
   1a  vpshufd xmm12,xmm0,0
   1f  mov rax,[r15+0x18]
   23  cmp dword ptr [rax],0
   26  jne short 0x0000000000000076
   28  mov rdi,[r15+8]
   2c  lea rax,[rdx+0x10]
   30  cmp rax,[rdi+8]
   34  ja short 0x000000000000006c
   36  vmovups xmm13,[r14+rdx]  ; MemoryOutOfBounds
   3c  mov rdi,[r15+8]
   40  lea rax,[rsi+0x10]
   44  cmp rax,[rdi+8]
   48  ja short 0x0000000000000071
   4a  vmulps xmm14,xmm12,[r14+rsi]  ; MemoryOutOfBounds
   50  vaddps xmm14,xmm13,xmm14
   55  vmovups [r14+rdx],xmm14  ; MemoryOutOfBounds
   5b  add esi,0x10
   5e  add edx,0x10
   61  add ecx,0xfffffffc
   64  jne short 0x000000000000001f
   66  pop rbp
   67  jmp 0xffffffffffffffb0
   6c  call 0xffffffffffffffd0  ; MemoryOutOfBounds
   71  call 0xffffffffffffffd0  ; MemoryOutOfBounds
   76  call 0xffffffffffffffe0  ; Interrupt
   7b  jmp short 0x0000000000000028
memchr:
    0  endbr64
    4  push rbp
    5  mov rbp,rsp
    8  cmp dword ptr [r15+0x40],0
   13  jne short 0x000000000000001a
   15  call 0xffffffffffffff70
   1a  vmovd xmm13,edx
   1e  xorps xmm15,xmm15
   22  vpshufb xmm11,xmm13,xmm15
   27  mov rax,[r15+0x18]
   2b  cmp dword ptr [rax],0
   2e  jne short 0x0000000000000068
   30  mov rcx,[r15+8]
   34  lea rax,[rsi+0x10]
   38  cmp rax,[rcx+8]
   3c  ja short 0x0000000000000063
   3e  vpcmpeqb xmm12,xmm11,[r14+rsi]  ; MemoryOutOfBounds
   44  vpmovmskb r11d,xmm12
   49  lea eax,[rsi+0x10]
   4c  test r11d,r11d
   4f  jne short 0x0000000000000056
   51  mov rsi,rax
   54  jmp short 0x0000000000000027
   56  tzcnt eax,r11d
   5b  add eax,esi
   5d  pop rbp
   5e  jmp 0xffffffffffffff30
   63  call 0xffffffffffffff50  ; MemoryOutOfBounds
   68  call 0xffffffffffffff60  ; Interrupt
   6d  jmp short 0x0000000000000030
dot:
    0  endbr64
    4  push rbp
    5  mov rbp,rsp
    8  cmp dword ptr [r15+0x40],0
   13  jne short 0x000000000000001a
   15  call 0xffffffffffffff00
   1a  xorps xmm13,xmm13
   1e  mov rax,[r15+0x18]
   22  cmp dword ptr [rax],0
   25  jne short 0x0000000000000088
   27  mov rdi,[r15+8]
   2b  lea rax,[rsi+8]
   2f  cmp rax,[rdi+8]
   33  ja short 0x000000000000007e
   35  vpmovsxbw xmm0,[r14+rsi]  ; MemoryOutOfBounds
   3b  mov rdi,[r15+8]
   3f  lea rax,[rdx+8]
   43  cmp rax,[rdi+8]
   47  ja short 0x0000000000000083
   49  vpmovsxbw xmm1,[r14+rdx]  ; MemoryOutOfBounds
   4f  vpmaddwd xmm0,xmm0,xmm1
   53  vpaddd xmm13,xmm13,xmm0
   57  add esi,8
   5a  add edx,8
   5d  add ecx,0xfffffff8
   60  jne short 0x000000000000001e
   62  vpshufd xmm0,xmm13,0x4e
   68  vpaddd xmm0,xmm13,xmm0
   6c  vmovd eax,xmm0
   70  vpextrd ecx,xmm0,1
   76  add eax,ecx
   78  pop rbp
   79  jmp 0xfffffffffffffec0
   7e  call 0xfffffffffffffee0  ; MemoryOutOfBounds
   83  call 0xfffffffffffffee0  ; MemoryOutOfBounds
   88  call 0xfffffffffffffef0  ; Interrupt
   8d  jmp short 0x0000000000000027
blend:
    0  endbr64
    4  push rbp
    5  mov rbp,rsp
    8  cmp dword ptr [r15+0x40],0
   13  jne short 0x000000000000001a
   15  call 0xfffffffffffffe70
   1a  vpcmpgtw xmm9,xmm0,[rip+0x2e]
   22  vptest xmm9,xmm9
   27  jne short 0x000000000000003e
   29  vpsraw xmm9,xmm1,3
   2e  vpand xmm11,xmm0,xmm9
   33  vpandn xmm13,xmm9,xmm1
   37  vpor xmm0,xmm11,xmm13
   3c  jmp short 0x0000000000000042
   3e  vpunpcklbw xmm0,xmm0,xmm1
   42  pop rbp
   43  jmp 0xfffffffffffffe30
   48  int3
   49  int3
   4a  int3
   4b  int3
   4c  int3
   4d  int3
   4e  int3
   4f  int3
   50  add [rax],eax
   52  add al,[rax]
   54  add eax,[rax]
   56  add al,0
   58  add eax,0x7000600
   5d  add [rax],cl
