lea:
    0  push rbp
    1  mov rbp,rsp
    4  lea eax,[rsi+rdx*8+0x64]
    8  pop rbp
    9  ret
masks:
    0  push rbp
    1  mov rbp,rsp
    4  movzx eax,sil
    8  and esi,0xffff0000
    e  or rax,rsi
   11  pop rbp
   12  ret
div10:
    0  push rbp
    1  mov rbp,rsp
    4  mov edi,0xcccccccd
    9  imul rsi,rdi
    d  mov rax,rsi
   10  shr rax,0x23
   14  pop rbp
   15  ret
div7:
    0  push rbp
    1  mov rbp,rsp
    4  imul rdi,rsi,0x24924925
    b  shr rdi,0x20
    f  sub esi,edi
   11  shr esi,1
   13  add esi,edi
   15  mov rax,rsi
   18  shr eax,2
   1b  pop rbp
   1c  ret
rem1000:
    0  push rbp
    1  mov rbp,rsp
    4  mov rdi,0x20c49ba5e353f7cf
    e  mov rax,rsi
   11  imul rdi
   14  sar rdx,7
   18  mov r10,rsi
   1b  sar r10,0x3f
   1f  sub rdx,r10
   22  imul rcx,rdx,0x3e8
   29  mov rax,rsi
   2c  sub rax,rcx
   2f  pop rbp
   30  ret
half:
    0  push rbp
    1  mov rbp,rsp
    4  mov rdi,rsi
    7  shr edi,0x1f
    a  add esi,edi
    c  mov rax,rsi
    f  sar eax,1
   11  pop rbp
   12  ret
divide:
    0  push rbp
    1  mov rbp,rsp
    4  mov rax,rsi
    7  mov rsi,rdx
    a  test esi,esi
    c  je short 0x0000000000000013
    e  cdq
    f  idiv esi  ; IntegerOverflow
   11  pop rbp
   12  ret
   13  ud2  ; IntegerDivideByZero
remainder:
    0  push rbp
    1  mov rbp,rsp
    4  mov rax,rsi
    7  mov rsi,rdx
    a  test rsi,rsi
    d  je short 0x0000000000000023
    f  cmp rsi,0xffffffffffffffff
   13  jne short 0x0000000000000019
   15  xor edx,edx
   17  jmp short 0x000000000000001e
   19  cqo
   1b  idiv rsi
   1e  mov rax,rdx
   21  pop rbp
   22  ret
   23  ud2  ; IntegerDivideByZero
shifts:
    0  push rbp
    1  mov rbp,rsp
    4  shlx rax,rsi,rdx
    9  rorx rsi,rsi,0x33
    f  xor rax,rsi
   12  pop rbp
   13  ret
select:
    0  push rbp
    1  mov rbp,rsp
    4  cmp esi,edx
    6  mov rax,rdx
    9  cmovl eax,esi
    c  pop rbp
    d  ret
flag:
    0  push rbp
    1  mov rbp,rsp
    4  test rsi,rsi
    7  sete al
    a  movzx eax,al
    d  pop rbp
    e  ret
both:
    0  push rbp
    1  mov rbp,rsp
    4  test edx,esi
    6  jne short 0x000000000000000f
    8  mov eax,4
    d  jmp short 0x0000000000000014
    f  mov eax,3
   14  pop rbp
   15  ret
