index:
    0  endbr64
    4  push rbp
    5  mov rbp,rsp
    8  mov r8,[r15+8]
    c  lea rdi,[rsi+0x10]
   10  cmp rdi,[r8+8]
   14  ja short 0x0000000000000021
   16  mov eax,[r14+rsi+0xc]  ; MemoryOutOfBounds
   1b  pop rbp
   1c  jmp 0xffffffffffffffb0
   21  call 0xffffffffffffffd0  ; MemoryOutOfBounds
scaled:
    0  endbr64
    4  push rbp
    5  mov rbp,rsp
    8  lea edx,[rsi+rdx*4]
    b  mov rdi,[r15+8]
    f  lea rsi,[rdx+0xc]
   13  cmp rsi,[rdi+8]
   17  ja short 0x0000000000000024
   19  mov eax,[r14+rdx+8]  ; MemoryOutOfBounds
   1e  pop rbp
   1f  jmp 0xffffffffffffff80
   24  call 0xffffffffffffffa0  ; MemoryOutOfBounds
constant:
    0  endbr64
    4  push rbp
    5  mov rbp,rsp
    8  mov eax,[r14+0x410]  ; MemoryOutOfBounds
    f  pop rbp
   10  jmp 0xffffffffffffff50
large_offset:
    0  endbr64
    4  push rbp
    5  mov rbp,rsp
    8  mov r8,[r15+8]
    c  mov edi,0x80000004
   11  add rdi,rsi
   14  cmp rdi,[r8+8]
   18  ja short 0x000000000000002c
   1a  mov edi,0x80000000
   1f  add rdi,rsi
   22  mov eax,[r14+rdi]  ; MemoryOutOfBounds
   26  pop rbp
   27  jmp 0xffffffffffffff30
   2c  call 0xffffffffffffff50  ; MemoryOutOfBounds
wrapped:
    0  endbr64
    4  push rbp
    5  mov rbp,rsp
    8  mov edx,esi
    a  mov rdi,[r15+8]
    e  lea rsi,[rdx+1]
   12  cmp rsi,[rdi+8]
   16  ja short 0x0000000000000023
   18  movzx eax,byte ptr [r14+rdx]  ; MemoryOutOfBounds
   1d  pop rbp
   1e  jmp 0xfffffffffffffef0
   23  call 0xffffffffffffff10  ; MemoryOutOfBounds
add_from_memory:
    0  endbr64
    4  push rbp
    5  mov rbp,rsp
    8  mov r8,[r15+8]
    c  lea rdi,[rdx+4]
   10  cmp rdi,[r8+8]
   14  ja short 0x0000000000000023
   16  mov rax,rsi
   19  add eax,[r14+rdx]  ; MemoryOutOfBounds
   1d  pop rbp
   1e  jmp 0xfffffffffffffec0
   23  call 0xfffffffffffffee0  ; MemoryOutOfBounds
update:
    0  endbr64
    4  push rbp
    5  mov rbp,rsp
    8  mov r8,[r15+8]
    c  lea rdi,[rsi+8]
   10  cmp rdi,[r8+8]
   14  ja short 0x0000000000000034
   16  xor [r14+rsi],rdx  ; MemoryOutOfBounds
   1a  mov r8,[r15+8]
   1e  lea rdi,[rsi+0xc]
   22  cmp rdi,[r8+8]
   26  ja short 0x0000000000000039
   28  add dword ptr [r14+rsi+8],1  ; MemoryOutOfBounds
   2e  pop rbp
   2f  jmp 0xfffffffffffffe90
   34  call 0xfffffffffffffeb0  ; MemoryOutOfBounds
   39  call 0xfffffffffffffeb0  ; MemoryOutOfBounds
store_constants:
    0  endbr64
    4  push rbp
    5  mov rbp,rsp
    8  mov r8,[r15+8]
    c  lea rdi,[rsi+4]
   10  cmp rdi,[r8+8]
   14  ja short 0x000000000000004d
   16  mov dword ptr [r14+rsi],0  ; MemoryOutOfBounds
   1e  mov r8,[r15+8]
   22  lea rdi,[rsi+8]
   26  cmp rdi,[r8+8]
   2a  ja short 0x0000000000000052
   2c  mov qword ptr [r14+rsi],0xffffffffffffffff  ; MemoryOutOfBounds
   34  mov byte ptr [r14+rsi],0xff  ; MemoryOutOfBounds
   39  mov rdi,0x3ff0000000000000
   43  mov [r14+rsi],rdi  ; MemoryOutOfBounds
   47  pop rbp
   48  jmp 0xfffffffffffffe50
   4d  call 0xfffffffffffffe70  ; MemoryOutOfBounds
   52  call 0xfffffffffffffe70  ; MemoryOutOfBounds
compare_byte:
    0  endbr64
    4  push rbp
    5  mov rbp,rsp
    8  mov r8,[r15+8]
    c  lea rdi,[rsi+1]
   10  cmp rdi,[r8+8]
   14  ja short 0x000000000000002f
   16  cmp byte ptr [r14+rsi],0x2f  ; MemoryOutOfBounds
   1b  je short 0x0000000000000024
   1d  mov eax,9
   22  jmp short 0x0000000000000029
   24  mov eax,5
   29  pop rbp
   2a  jmp 0xfffffffffffffdf0
   2f  call 0xfffffffffffffe10  ; MemoryOutOfBounds
sum:
    0  endbr64
    4  push rbp
    5  mov rbp,rsp
    8  xor eax,eax
    a  mov r10,[r15+0x18]
    e  cmp dword ptr [r10],0
   12  jne short 0x0000000000000038
   14  mov r9,[r15+8]
   18  lea r10,[rsi+4]
   1c  cmp r10,[r9+8]
   20  ja short 0x0000000000000033
   22  add eax,[r14+rsi]  ; MemoryOutOfBounds
   26  add esi,4
   29  cmp esi,edx
   2b  jb short 0x000000000000000a
   2d  pop rbp
   2e  jmp 0xfffffffffffffdb0
   33  call 0xfffffffffffffdd0  ; MemoryOutOfBounds
   38  call 0xfffffffffffffde0  ; Interrupt
   3d  jmp short 0x0000000000000014
size:
    0  endbr64
    4  push rbp
    5  mov rbp,rsp
    8  mov rdx,[r15+8]
    c  mov rax,[rdx+8]
   10  shr rax,0x10
   14  pop rbp
   15  jmp 0xfffffffffffffd70
