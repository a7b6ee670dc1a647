//! Vector instructions by their encodings.

use super::encode::{Map, Opcode};

/// A vector instruction. With AVX it takes its VEX form, which names a separate destination and asks for no alignment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sse {
    /// `66`, `f2`, `f3` or 0.
    pub prefix: u8,
    /// Opcode map.
    pub map: Map,
    /// Opcode byte.
    pub code: u8,
    /// REX.W or VEX.W.
    pub wide: bool,
    /// Immediate byte.
    pub imm: Option<u8>,
}

impl Sse {
    /// `66 0f code`
    const fn two(code: u8) -> Sse {
        Sse { prefix: 0x66, map: Map::Two, code, wide: false, imm: None }
    }

    /// `66 0f 38 code`
    const fn three(code: u8) -> Sse {
        Sse { map: Map::Three8, ..Sse::two(code) }
    }

    /// `66 0f 3a code ib`
    const fn three_a(code: u8) -> Sse {
        Sse { map: Map::ThreeA, ..Sse::two(code) }
    }

    const fn prefix(self, prefix: u8) -> Sse {
        Sse { prefix, ..self }
    }

    const fn wide(self) -> Sse {
        Sse { wide: true, ..self }
    }

    /// With an immediate.
    pub const fn imm(self, imm: u8) -> Sse {
        Sse { imm: Some(imm), ..self }
    }

    /// As the encoder wants it.
    pub fn opcode(self) -> Opcode {
        Opcode::one(self.code).map(self.map).prefix(self.prefix).wide(self.wide).imm(self.imm.is_some() as u8)
    }
}

macro_rules! instructions {
    ($($name:ident = $value:expr;)*) => { $(#[allow(missing_docs)] pub const $name: Sse = $value;)* };
}

instructions! {
    PADDB = Sse::two(0xfc); PADDW = Sse::two(0xfd); PADDD = Sse::two(0xfe); PADDQ = Sse::two(0xd4);
    PADDSB = Sse::two(0xec); PADDSW = Sse::two(0xed); PADDUSB = Sse::two(0xdc); PADDUSW = Sse::two(0xdd);
    PSUBB = Sse::two(0xf8); PSUBW = Sse::two(0xf9); PSUBD = Sse::two(0xfa); PSUBQ = Sse::two(0xfb);
    PSUBSB = Sse::two(0xe8); PSUBSW = Sse::two(0xe9); PSUBUSB = Sse::two(0xd8); PSUBUSW = Sse::two(0xd9);
    PMINUB = Sse::two(0xda); PMAXUB = Sse::two(0xde); PMINSW = Sse::two(0xea); PMAXSW = Sse::two(0xee);
    PMINSB = Sse::three(0x38); PMAXSB = Sse::three(0x3c); PMINUW = Sse::three(0x3a); PMAXUW = Sse::three(0x3e);
    PMINSD = Sse::three(0x39); PMAXSD = Sse::three(0x3d); PMINUD = Sse::three(0x3b); PMAXUD = Sse::three(0x3f);
    PAVGB = Sse::two(0xe0); PAVGW = Sse::two(0xe3);
    PMULLW = Sse::two(0xd5); PMULHW = Sse::two(0xe5); PMULHUW = Sse::two(0xe4); PMULLD = Sse::three(0x40);
    PMULUDQ = Sse::two(0xf4); PMULDQ = Sse::three(0x28); PMADDWD = Sse::two(0xf5); PMADDUBSW = Sse::three(0x04);
    PMULHRSW = Sse::three(0x0b);
    PCMPEQB = Sse::two(0x74); PCMPEQW = Sse::two(0x75); PCMPEQD = Sse::two(0x76); PCMPEQQ = Sse::three(0x29);
    PCMPGTB = Sse::two(0x64); PCMPGTW = Sse::two(0x65); PCMPGTD = Sse::two(0x66); PCMPGTQ = Sse::three(0x37);
    PAND = Sse::two(0xdb); PANDN = Sse::two(0xdf); POR = Sse::two(0xeb); PXOR = Sse::two(0xef);
    PACKSSWB = Sse::two(0x63); PACKSSDW = Sse::two(0x6b); PACKUSWB = Sse::two(0x67); PACKUSDW = Sse::three(0x2b);
    PUNPCKLBW = Sse::two(0x60); PUNPCKLWD = Sse::two(0x61); PUNPCKLDQ = Sse::two(0x62); PUNPCKLQDQ = Sse::two(0x6c);
    PUNPCKHBW = Sse::two(0x68); PUNPCKHWD = Sse::two(0x69); PUNPCKHDQ = Sse::two(0x6a); PUNPCKHQDQ = Sse::two(0x6d);
    PABSB = Sse::three(0x1c); PABSW = Sse::three(0x1d); PABSD = Sse::three(0x1e);
    PMOVSXBW = Sse::three(0x20); PMOVSXWD = Sse::three(0x23); PMOVSXDQ = Sse::three(0x25);
    PMOVZXBW = Sse::three(0x30); PMOVZXWD = Sse::three(0x33); PMOVZXDQ = Sse::three(0x35);
    PSHUFB = Sse::three(0x00); PSHUFD = Sse::two(0x70); PSHUFLW = Sse::two(0x70).prefix(0xf2);
    PALIGNR = Sse::three_a(0x0f); PBLENDW = Sse::three_a(0x0e); SHUFPS = Sse::two(0xc6).prefix(0);
    PSLLW = Sse::two(0xf1); PSLLD = Sse::two(0xf2); PSLLQ = Sse::two(0xf3);
    PSRLW = Sse::two(0xd1); PSRLD = Sse::two(0xd2); PSRLQ = Sse::two(0xd3);
    PSRAW = Sse::two(0xe1); PSRAD = Sse::two(0xe2);
    SHIFT_W = Sse::two(0x71); SHIFT_D = Sse::two(0x72); SHIFT_Q = Sse::two(0x73);
    ROUNDPS = Sse::three_a(0x08); ROUNDPD = Sse::three_a(0x09);
    ADDPS = Sse::two(0x58).prefix(0); MULPS = Sse::two(0x59).prefix(0); SUBPS = Sse::two(0x5c).prefix(0);
    MINPS = Sse::two(0x5d).prefix(0); DIVPS = Sse::two(0x5e).prefix(0); MAXPS = Sse::two(0x5f).prefix(0);
    SQRTPS = Sse::two(0x51).prefix(0); ANDPS = Sse::two(0x54).prefix(0); ANDNPS = Sse::two(0x55).prefix(0);
    ORPS = Sse::two(0x56).prefix(0); XORPS = Sse::two(0x57).prefix(0); CMPPS = Sse::two(0xc2).prefix(0);
    ADDPD = Sse::two(0x58); MULPD = Sse::two(0x59); SUBPD = Sse::two(0x5c); MINPD = Sse::two(0x5d);
    DIVPD = Sse::two(0x5e); MAXPD = Sse::two(0x5f); SQRTPD = Sse::two(0x51); ANDPD = Sse::two(0x54);
    ANDNPD = Sse::two(0x55); ORPD = Sse::two(0x56); XORPD = Sse::two(0x57); CMPPD = Sse::two(0xc2);
    UNPCKLPS = Sse::two(0x14).prefix(0);
    CVTDQ2PS = Sse::two(0x5b).prefix(0); CVTTPS2DQ = Sse::two(0x5b).prefix(0xf3); CVTTPD2DQ = Sse::two(0xe6);
    CVTDQ2PD = Sse::two(0xe6).prefix(0xf3); CVTPD2PS = Sse::two(0x5a); CVTPS2PD = Sse::two(0x5a).prefix(0);
    MOVMSKPS = Sse::two(0x50).prefix(0); MOVMSKPD = Sse::two(0x50); PMOVMSKB = Sse::two(0xd7);
    PTEST = Sse::three(0x17);
    MOVD = Sse::two(0x6e); MOVQ = Sse::two(0x6e).wide(); MOVD_OUT = Sse::two(0x7e); MOVQ_OUT = Sse::two(0x7e).wide();
    PEXTRB = Sse::three_a(0x14); PEXTRW = Sse::three_a(0x15); PEXTRD = Sse::three_a(0x16);
    PEXTRQ = Sse::three_a(0x16).wide();
    PINSRB = Sse::three_a(0x20); PINSRW = Sse::two(0xc4); PINSRD = Sse::three_a(0x22);
    PINSRQ = Sse::three_a(0x22).wide(); INSERTPS = Sse::three_a(0x21);
    MOVDDUP = Sse::two(0x12).prefix(0xf2); MOVLHPS = Sse::two(0x16).prefix(0); MOVSD = Sse::two(0x10).prefix(0xf2);
    MOVSS = Sse::two(0x10).prefix(0xf3);
    MOVUPS = Sse::two(0x10).prefix(0); MOVUPS_STORE = Sse::two(0x11).prefix(0);
    MOVSS_STORE = Sse::two(0x11).prefix(0xf3); MOVLPS_STORE = Sse::two(0x13).prefix(0);
    MOVHPS_STORE = Sse::two(0x17).prefix(0);
}
