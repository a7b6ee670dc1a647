index:
    0  push rbp
    1  mov rbp,rsp
    4  mov r8,[r15+8]
    8  lea rdi,[rsi+0x10]
    c  cmp rdi,[r8+8]
   10  ja short 0x0000000000000019
   12  mov eax,[r14+rsi+0xc]  ; MemoryOutOfBounds
   17  pop rbp
   18  ret
   19  ud2  ; MemoryOutOfBounds
scaled:
    0  push rbp
    1  mov rbp,rsp
    4  lea edx,[rsi+rdx*4]
    7  mov rdi,[r15+8]
    b  lea rsi,[rdx+0xc]
    f  cmp rsi,[rdi+8]
   13  ja short 0x000000000000001c
   15  mov eax,[r14+rdx+8]  ; MemoryOutOfBounds
   1a  pop rbp
   1b  ret
   1c  ud2  ; MemoryOutOfBounds
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
    6  mov rdi,[r15+8]
    a  lea rsi,[rdx+1]
    e  cmp rsi,[rdi+8]
   12  ja short 0x000000000000001b
   14  movzx eax,byte ptr [r14+rdx]  ; MemoryOutOfBounds
   19  pop rbp
   1a  ret
   1b  ud2  ; MemoryOutOfBounds
add_from_memory:
    0  push rbp
    1  mov rbp,rsp
    4  mov r8,[r15+8]
    8  lea rdi,[rdx+4]
    c  cmp rdi,[r8+8]
   10  ja short 0x000000000000001b
   12  mov rax,rsi
   15  add eax,[r14+rdx]  ; MemoryOutOfBounds
   19  pop rbp
   1a  ret
   1b  ud2  ; MemoryOutOfBounds
update:
    0  push rbp
    1  mov rbp,rsp
    4  mov r8,[r15+8]
    8  lea rdi,[rsi+8]
    c  cmp rdi,[r8+8]
   10  ja short 0x000000000000002c
   12  xor [r14+rsi],rdx  ; MemoryOutOfBounds
   16  mov r8,[r15+8]
   1a  lea rdi,[rsi+0xc]
   1e  cmp rdi,[r8+8]
   22  ja short 0x000000000000002e
   24  add dword ptr [r14+rsi+8],1  ; MemoryOutOfBounds
   2a  pop rbp
   2b  ret
   2c  ud2  ; MemoryOutOfBounds
   2e  ud2  ; MemoryOutOfBounds
store_constants:
    0  push rbp
    1  mov rbp,rsp
    4  mov r8,[r15+8]
    8  lea rdi,[rsi+4]
    c  cmp rdi,[r8+8]
   10  ja short 0x0000000000000045
   12  mov dword ptr [r14+rsi],0  ; MemoryOutOfBounds
   1a  mov r8,[r15+8]
   1e  lea rdi,[rsi+8]
   22  cmp rdi,[r8+8]
   26  ja short 0x0000000000000047
   28  mov qword ptr [r14+rsi],0xffffffffffffffff  ; MemoryOutOfBounds
   30  mov byte ptr [r14+rsi],0xff  ; MemoryOutOfBounds
   35  mov rdi,0x3ff0000000000000
   3f  mov [r14+rsi],rdi  ; MemoryOutOfBounds
   43  pop rbp
   44  ret
   45  ud2  ; MemoryOutOfBounds
   47  ud2  ; MemoryOutOfBounds
compare_byte:
    0  push rbp
    1  mov rbp,rsp
    4  mov r8,[r15+8]
    8  lea rdi,[rsi+1]
    c  cmp rdi,[r8+8]
   10  ja short 0x0000000000000027
   12  cmp byte ptr [r14+rsi],0x2f  ; MemoryOutOfBounds
   17  je short 0x0000000000000020
   19  mov eax,9
   1e  jmp short 0x0000000000000025
   20  mov eax,5
   25  pop rbp
   26  ret
   27  ud2  ; MemoryOutOfBounds
sum:
    0  push rbp
    1  mov rbp,rsp
    4  xor eax,eax
    6  mov r8,[r15+8]
    a  lea r9,[rsi+4]
    e  cmp r9,[r8+8]
   12  ja short 0x0000000000000021
   14  add eax,[r14+rsi]  ; MemoryOutOfBounds
   18  add esi,4
   1b  cmp esi,edx
   1d  jb short 6
   1f  pop rbp
   20  ret
   21  ud2  ; MemoryOutOfBounds
size:
    0  push rbp
    1  mov rbp,rsp
    4  mov rdx,[r15+8]
    8  mov rax,[rdx+8]
    c  shr rax,0x10
   10  pop rbp
   11  ret
