index:
    0  push rbp
    1  mov rbp,rsp
    4  mov eax,[r14+rsi+0xc]  ; MemoryOutOfBounds
    9  pop rbp
    a  ret
scaled:
    0  push rbp
    1  mov rbp,rsp
    4  lea edx,[rsi+rdx*4]
    7  mov eax,[r14+rdx+8]  ; MemoryOutOfBounds
    c  pop rbp
    d  ret
constant:
    0  push rbp
    1  mov rbp,rsp
    4  mov eax,[r14+0x410]  ; MemoryOutOfBounds
    b  pop rbp
    c  ret
large_offset:
    0  push rbp
    1  mov rbp,rsp
    4  mov r8,[r15+8]
    8  mov edi,0x80000004
    d  add rdi,rsi
   10  cmp rdi,[r8+8]
   14  ja short 0x0000000000000024
   16  mov edi,0x80000000
   1b  add rdi,rsi
   1e  mov eax,[r14+rdi]  ; MemoryOutOfBounds
   22  pop rbp
   23  ret
   24  ud2  ; MemoryOutOfBounds
wrapped:
    0  push rbp
    1  mov rbp,rsp
    4  mov edx,esi
    6  movzx eax,byte ptr [r14+rdx]  ; MemoryOutOfBounds
    b  pop rbp
    c  ret
add_from_memory:
    0  push rbp
    1  mov rbp,rsp
    4  mov rax,rsi
    7  add eax,[r14+rdx]  ; MemoryOutOfBounds
    b  pop rbp
    c  ret
update:
    0  push rbp
    1  mov rbp,rsp
    4  xor [r14+rsi],rdx  ; MemoryOutOfBounds
    8  add dword ptr [r14+rsi+8],1  ; MemoryOutOfBounds
    e  pop rbp
    f  ret
store_constants:
    0  push rbp
    1  mov rbp,rsp
    4  mov dword ptr [r14+rsi],0  ; MemoryOutOfBounds
    c  mov qword ptr [r14+rsi],0xffffffffffffffff  ; MemoryOutOfBounds
   14  mov byte ptr [r14+rsi],0xff  ; MemoryOutOfBounds
   19  mov rdi,0x3ff0000000000000
   23  mov [r14+rsi],rdi  ; MemoryOutOfBounds
   27  pop rbp
   28  ret
compare_byte:
    0  push rbp
    1  mov rbp,rsp
    4  cmp byte ptr [r14+rsi],0x2f  ; MemoryOutOfBounds
    9  je short 0x0000000000000012
    b  mov eax,9
   10  jmp short 0x0000000000000017
   12  mov eax,5
   17  pop rbp
   18  ret
sum:
    0  push rbp
    1  mov rbp,rsp
    4  xor eax,eax
    6  add eax,[r14+rsi]  ; MemoryOutOfBounds
    a  add esi,4
    d  cmp esi,edx
    f  jb short 6
   11  pop rbp
   12  ret
size:
    0  push rbp
    1  mov rbp,rsp
    4  mov rdx,[r15+8]
    8  mov rax,[rdx+8]
    c  shr rax,0x10
   10  pop rbp
   11  ret
