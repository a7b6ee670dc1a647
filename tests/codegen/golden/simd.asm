saxpy:
    0  push rbp
    1  mov rbp,rsp
    4  vpshufd xmm9,xmm0,0
    9  vmulps xmm10,xmm9,[r14+rsi]  ; MemoryOutOfBounds
    f  vaddps xmm10,xmm10,[r14+rdx]  ; MemoryOutOfBounds
   15  vmovups [r14+rdx],xmm10  ; MemoryOutOfBounds
   1b  add esi,0x10
   1e  add edx,0x10
   21  add ecx,0xfffffffc
   24  jne short 9
   26  pop rbp
   27  ret
memchr:
    0  push rbp
    1  mov rbp,rsp
    4  vmovd xmm10,edx
    8  xorps xmm12,xmm12
    c  vpshufb xmm9,xmm10,xmm12
   11  vpcmpeqb xmm10,xmm9,[r14+rsi]  ; MemoryOutOfBounds
   17  vpmovmskb r9d,xmm10
   1c  lea r11d,[rsi+0x10]
   20  test r9d,r9d
   23  jne short 0x000000000000002a
   25  mov rsi,r11
   28  jmp short 0x0000000000000011
   2a  tzcnt eax,r9d
   2f  add eax,esi
   31  pop rbp
   32  ret
dot:
    0  push rbp
    1  mov rbp,rsp
    4  xorps xmm13,xmm13
    8  vpmovsxbw xmm0,[r14+rsi]  ; MemoryOutOfBounds
    e  vpmovsxbw xmm1,[r14+rdx]  ; MemoryOutOfBounds
   14  vpmaddwd xmm0,xmm0,xmm1
   18  vpaddd xmm13,xmm13,xmm0
   1c  add esi,8
   1f  add edx,8
   22  add ecx,0xfffffff8
   25  jne short 8
   27  vpshufd xmm0,xmm13,0x4e
   2d  vpaddd xmm0,xmm13,xmm0
   31  vmovd eax,xmm0
   35  vpextrd ecx,xmm0,1
   3b  add eax,ecx
   3d  pop rbp
   3e  ret
blend:
    0  push rbp
    1  mov rbp,rsp
    4  vpcmpgtw xmm9,xmm0,[rip+0x24]
    c  vptest xmm9,xmm9
   11  jne short 0x0000000000000028
   13  vpsraw xmm9,xmm1,3
   18  vpand xmm11,xmm0,xmm9
   1d  vpandn xmm13,xmm9,xmm1
   21  vpor xmm0,xmm11,xmm13
   26  jmp short 0x000000000000002c
   28  vpunpcklbw xmm0,xmm0,xmm1
   2c  pop rbp
   2d  ret
   2e  int3
   2f  int3
   30  add [rax],eax
   32  add al,[rax]
   34  add eax,[rax]
   36  add al,0
   38  add eax,0x7000600
   3d  add [rax],cl
