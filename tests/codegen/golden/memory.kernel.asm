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
    8  mov edx,0x400
    d  mov rdi,[r15+8]
   11  lea rsi,[rdx+0x14]
   15  cmp rsi,[rdi+8]
   19  ja short 0x0000000000000026
   1b  mov eax,[r14+rdx+0x10]  ; MemoryOutOfBounds
   20  pop rbp
   21  jmp 0xffffffffffffff50
   26  call 0xffffffffffffff70  ; MemoryOutOfBounds
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
   27  jmp 0xffffffffffffff20
   2c  call 0xffffffffffffff40  ; MemoryOutOfBounds
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
   1e  jmp 0xfffffffffffffee0
   23  call 0xffffffffffffff00  ; MemoryOutOfBounds
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
   1e  jmp 0xfffffffffffffeb0
   23  call 0xfffffffffffffed0  ; MemoryOutOfBounds
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
   2f  jmp 0xfffffffffffffe80
   34  call 0xfffffffffffffea0  ; MemoryOutOfBounds
   39  call 0xfffffffffffffea0  ; MemoryOutOfBounds
store_constants:
    0  endbr64
    4  push rbp
    5  mov rbp,rsp
    8  cmp dword ptr [r15+0x40],0
   13  jne short 0x000000000000001a
   15  call 0xfffffffffffffe80
   1a  mov r9,[r15+8]
   1e  lea r10,[rsi+4]
   22  cmp r10,[r9+8]
   26  ja short 0x000000000000007b
   28  mov dword ptr [r14+rsi],0  ; MemoryOutOfBounds
   30  mov r9,[r15+8]
   34  lea r10,[rsi+8]
   38  cmp r10,[r9+8]
   3c  ja short 0x0000000000000080
   3e  mov qword ptr [r14+rsi],0xffffffffffffffff  ; MemoryOutOfBounds
   46  mov r9,[r15+8]
   4a  lea r10,[rsi+1]
   4e  cmp r10,[r9+8]
   52  ja short 0x0000000000000085
   54  mov byte ptr [r14+rsi],0xff  ; MemoryOutOfBounds
   59  movsd xmm7,[rip+0x2f]
   61  mov r10,[r15+8]
   65  lea r11,[rsi+8]
   69  cmp r11,[r10+8]
   6d  ja short 0x000000000000008a
   6f  movsd [r14+rsi],xmm7  ; MemoryOutOfBounds
   75  pop rbp
   76  jmp 0xfffffffffffffe40
   7b  call 0xfffffffffffffe60  ; MemoryOutOfBounds
   80  call 0xfffffffffffffe60  ; MemoryOutOfBounds
   85  call 0xfffffffffffffe60  ; MemoryOutOfBounds
   8a  call 0xfffffffffffffe60  ; MemoryOutOfBounds
   8f  int3
   90  add [rax],al
   92  add [rax],al
   94  add [rax],al
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
   2a  jmp 0xfffffffffffffda0
   2f  call 0xfffffffffffffdc0  ; MemoryOutOfBounds
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
   2e  jmp 0xfffffffffffffd60
   33  call 0xfffffffffffffd80  ; MemoryOutOfBounds
   38  call 0xfffffffffffffd90  ; Interrupt
   3d  jmp short 0x0000000000000014
size:
    0  endbr64
    4  push rbp
    5  mov rbp,rsp
    8  mov rdx,[r15+8]
    c  mov rax,[rdx+8]
   10  shr rax,0x10
   14  pop rbp
   15  jmp 0xfffffffffffffd20
