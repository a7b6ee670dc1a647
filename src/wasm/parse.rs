//! Bytes to [`Module`].

use super::features::{ACCEPTED, classify};
use super::*;
use smallvec::{SmallVec, smallvec};
use wasmparser as wp;
use wasmparser::{Parser, Payload, ValidPayload, Validator};

/// Data segments for which room is made before they are read.
const MAX_RESERVED: usize = 1 << 17;

/// Largest module accepted, in bytes: offsets within it are 32 bits.
pub const MAX_MODULE_BYTES: usize = 1 << 30;

/// Validates a module, functions included, and describes it.
pub fn parse(bytes: &[u8]) -> Result<Module, LoadError> {
    check_magic(bytes)?;
    let mut validator = Validator::new_with_features(ACCEPTED);
    let mut module = Module::default();
    read(bytes, &mut module, Some(&mut validator)).map_err(|error| classify(bytes, &error))?;
    Ok(module)
}

/// Describes a module that is known to be valid (its compiled image was found under its hash).
///
/// Function bodies are not looked at. A module that was not validated before gives an error or a wrong description,
/// never undefined behaviour, but its code must not be compiled.
pub fn parse_validated(bytes: &[u8]) -> Result<Module, LoadError> {
    check_magic(bytes)?;
    let mut module = Module::default();
    read(bytes, &mut module, None).map_err(|error| classify(bytes, &error))?;
    Ok(module)
}

/// Says what a file is that does not begin like a module.
fn check_magic(bytes: &[u8]) -> Result<(), LoadError> {
    if bytes.len() > MAX_MODULE_BYTES {
        return Err(LoadError::Invalid { offset: 0, message: "the module is larger than 1 GiB".into() });
    }
    if bytes.starts_with(b"\0asm\x01\0\0\0") {
        return Ok(());
    }
    Err(LoadError::NotWasm(match bytes {
        [] => "the file is empty",
        [0x7f, b'E', b'L', b'F', ..] => "it is a native program (ELF); build it with wasmjit cc",
        [b'#', b'!', ..] => "it is a script",
        [b'B', b'C', 0xc0, 0xde, ..] => "it is LLVM bitcode",
        [0, b'a', b's', b'm', _, _, 1, 0, ..] => "it is a WebAssembly component; a core module is needed",
        [0, b'a', b's', b'm', ..] => "its version is unknown or it is cut off",
        [b'(', ..] => "it is WebAssembly text; translate it with wat2wasm",
        _ => "it does not begin with the magic bytes \\0asm",
    }))
}

type Result2 = Result<(), wp::Error>;

fn read(bytes: &[u8], module: &mut Module, mut validator: Option<&mut Validator>) -> Result2 {
    let mut parser = Parser::new(0);
    parser.set_features(ACCEPTED);
    let mut allocations = wp::FuncValidatorAllocations::default();
    for payload in parser.parse_all(bytes) {
        let payload = payload?;
        if let Some(validator) = validator.as_deref_mut()
            && let ValidPayload::Func(func, body) = validator.payload(&payload)?
        {
            let mut func = func.into_validator(allocations);
            module.foreign_tail_calls |= function(&mut func, &body, module.imported_functions)?;
            allocations = func.into_allocations();
        }
        section(bytes, module, payload)?;
    }
    Ok(())
}

/// Validates a function; says whether it ends in a tail call that may leave the module.
fn function(
    func: &mut wp::FuncValidator<wp::ValidatorResources>,
    body: &wp::FunctionBody<'_>,
    imported: u32,
) -> Result<bool, wp::Error> {
    let mut foreign = false;
    let mut reader = body.get_binary_reader();
    func.read_locals(&mut reader)?;
    while !reader.eof() {
        let offset = reader.original_position();
        // Reading an operator twice is for the few that can be tail calls.
        if let Ok(0x12 | 0x13) = reader.clone().read_u8() {
            foreign |= match reader.peek_operator(&func.visitor(offset)) {
                Ok(wp::Operator::ReturnCall { function_index }) => function_index < imported,
                Ok(wp::Operator::ReturnCallIndirect { .. }) => true,
                _ => false,
            };
        }
        reader.visit_operator(&mut func.visitor(offset))??;
    }
    reader.finish_expression(&func.visitor(reader.original_position()))?;
    Ok(foreign)
}

fn section(bytes: &[u8], module: &mut Module, payload: Payload<'_>) -> Result2 {
    match payload {
        Payload::TypeSection(reader) => {
            for ty in reader.into_iter_err_on_gc_types() {
                module.types.push(func_type(&ty?));
            }
        }
        Payload::ImportSection(reader) => {
            for import in reader.into_imports() {
                add_import(module, import?);
            }
        }
        Payload::FunctionSection(reader) => {
            for index in reader {
                module.functions.push(TypeIndex(index?));
            }
        }
        Payload::TableSection(reader) => {
            for table in reader {
                let table = table?;
                module.tables.push(table_type(&table.ty));
                module.table_inits.push(match table.init {
                    wp::TableInit::RefNull => ConstExpr(smallvec![ConstOp::RefNull]),
                    wp::TableInit::Expr(expr) => const_expr(&expr)?,
                });
            }
        }
        Payload::MemorySection(reader) => {
            for memory in reader {
                module.memories.push(memory_type(&memory?));
            }
        }
        Payload::GlobalSection(reader) => {
            for global in reader {
                let global = global?;
                module.globals.push(global_type(&global.ty));
                module.global_inits.push(const_expr(&global.init_expr)?);
            }
        }
        Payload::ExportSection(reader) => {
            for export in reader {
                let export = export?;
                if let Some(kind) = export_kind(&export) {
                    module.exports.push((export.name.to_string(), kind));
                }
            }
        }
        Payload::TagSection(reader) => {
            for tag in reader {
                module.tags.push(TypeIndex(tag?.func_type_idx));
            }
        }
        Payload::StartSection { func, .. } => module.start = Some(FuncIndex(func)),
        Payload::ElementSection(reader) => {
            for element in reader {
                module.elements.push(element_segment(element?)?);
            }
        }
        Payload::DataSection(reader) => data_section(bytes, module, &reader)?,
        Payload::CodeSectionEntry(body) => {
            let range = body.range();
            module.bodies.push(range.start as usize..range.end as usize);
        }
        Payload::CustomSection(section) => {
            let start = section.data_offset() as usize;
            if let wp::KnownCustom::Name(names) = section.as_known() {
                function_names(module, names);
            }
            module.custom.push((section.name().to_string(), start..start + section.data().len()));
        }
        _ => {}
    }
    Ok(())
}

/// Reads data segments. Some linkers make a hundred thousand of them, nearly all of one form, which is read here.
fn data_section(bytes: &[u8], module: &mut Module, reader: &wp::DataSectionReader<'_>) -> Result2 {
    // The count is only a claim.
    module.data.reserve((reader.count() as usize).min(MAX_RESERVED));
    let end = reader.range().end as usize;
    let mut at = reader.original_position() as usize;
    for _ in 0..reader.count() {
        let rest = bytes.get(at..end).unwrap_or_default();
        let segment = match plain_segment(rest, at) {
            Some(segment) => segment,
            None => data_segment(rest, at)?,
        };
        at = segment.bytes.end;
        module.data.push(segment);
    }
    Ok(())
}

/// A segment of the first memory at a constant address, if `rest`, which begins at `at`, begins with one.
fn plain_segment(rest: &[u8], at: usize) -> Option<DataSegment> {
    const I32_CONST: u8 = 0x41;
    const END: u8 = 0x0b;
    let (address, bits, behind) = leb(rest.strip_prefix(&[0, I32_CONST])?)?;
    // The sign is the highest bit that there is.
    let address = ((address << (64 - bits)) as i64 >> (64 - bits)) as i32;
    let (len, _, behind) = leb(behind.strip_prefix(&[END])?)?;
    let start = at + rest.len() - behind.len();
    behind.get(..len as usize)?;
    let mode = SegmentMode::Active(MemoryIndex(0), ConstExpr(smallvec![ConstOp::I32(address)]));
    Some(DataSegment { mode, bytes: start..start + len as usize })
}

/// A number of variable length that fits 32 bits in any case: it has at most four bytes. Its bits, how many, and what follows.
fn leb(bytes: &[u8]) -> Option<(u64, u32, &[u8])> {
    let mut value = 0;
    for (index, byte) in bytes.iter().take(4).enumerate() {
        value |= u64::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            return Some((value, 7 * (index as u32 + 1), &bytes[index + 1..]));
        }
    }
    None
}

/// Reads a segment of any form from `rest`, which begins at `at`.
fn data_segment(rest: &[u8], at: usize) -> Result<DataSegment, wp::Error> {
    let mut reader = wp::BinaryReader::new_features(rest, at as u64, ACCEPTED);
    let data = <wp::Data<'_> as wp::FromReader<'_>>::from_reader(&mut reader)?;
    let mode = match data.kind {
        wp::DataKind::Passive => SegmentMode::Passive,
        wp::DataKind::Active { memory_index, offset_expr } => {
            SegmentMode::Active(MemoryIndex(memory_index), const_expr(&offset_expr)?)
        }
    };
    let end = reader.original_position() as usize;
    Ok(DataSegment { mode, bytes: end - data.data.len()..end })
}

/// Reads function names as far as they make sense: a damaged name section is no reason to refuse a module.
fn function_names(module: &mut Module, names: wp::NameSectionReader<'_>) {
    for name in names {
        let Ok(name) = name else { break };
        if let wp::Name::Function(map) = name {
            module
                .names
                .extend(map.into_iter().map_while(Result::ok).map(|n| (FuncIndex(n.index), n.name.to_string())));
        }
    }
    module.names.sort_by_key(|(index, _)| *index);
    module.names.dedup_by_key(|(index, _)| *index);
}

fn add_import(module: &mut Module, import: wp::Import<'_>) {
    let ty = match import.ty {
        wp::TypeRef::Func(index) | wp::TypeRef::FuncExact(index) => {
            module.functions.push(TypeIndex(index));
            module.imported_functions += 1;
            ExternType::Func(module.types.get(index as usize).cloned().unwrap_or_default())
        }
        wp::TypeRef::Table(ty) => {
            module.tables.push(table_type(&ty));
            module.imported_tables += 1;
            ExternType::Table(table_type(&ty))
        }
        wp::TypeRef::Memory(ty) => {
            module.memories.push(memory_type(&ty));
            module.imported_memories += 1;
            ExternType::Memory(memory_type(&ty))
        }
        wp::TypeRef::Global(ty) => {
            module.globals.push(global_type(&ty));
            module.imported_globals += 1;
            ExternType::Global(global_type(&ty))
        }
        wp::TypeRef::Tag(ty) => {
            module.tags.push(TypeIndex(ty.func_type_idx));
            module.imported_tags += 1;
            ExternType::Tag(module.types.get(ty.func_type_idx as usize).cloned().unwrap_or_default())
        }
    };
    module.imports.push(Import { module: import.module.to_string(), name: import.name.to_string(), ty });
}

fn export_kind(export: &wp::Export<'_>) -> Option<ExportKind> {
    match export.kind {
        wp::ExternalKind::Func | wp::ExternalKind::FuncExact => Some(ExportKind::Func(FuncIndex(export.index))),
        wp::ExternalKind::Table => Some(ExportKind::Table(TableIndex(export.index))),
        wp::ExternalKind::Memory => Some(ExportKind::Memory(MemoryIndex(export.index))),
        wp::ExternalKind::Global => Some(ExportKind::Global(GlobalIndex(export.index))),
        wp::ExternalKind::Tag => Some(ExportKind::Tag(TagIndex(export.index))),
    }
}

fn element_segment(element: wp::Element<'_>) -> Result<ElemSegment, wp::Error> {
    let mode = match element.kind {
        wp::ElementKind::Passive => SegmentMode::Passive,
        wp::ElementKind::Declared => SegmentMode::Declared,
        wp::ElementKind::Active { table_index, offset_expr } => {
            SegmentMode::Active(TableIndex(table_index.unwrap_or(0)), const_expr(&offset_expr)?)
        }
    };
    let (element, items) = match element.items {
        wp::ElementItems::Functions(funcs) => {
            let items = funcs.into_iter().map(|f| Ok(ConstExpr(smallvec![ConstOp::RefFunc(FuncIndex(f?))])));
            (ValType::FuncRef, items.collect::<Result<_, wp::Error>>()?)
        }
        wp::ElementItems::Expressions(ty, exprs) => {
            let items = exprs.into_iter().map(|e| const_expr(&e?));
            (ref_type(ty), items.collect::<Result<_, _>>()?)
        }
    };
    Ok(ElemSegment { mode, items, element })
}

fn const_expr(expr: &wp::ConstExpr<'_>) -> Result<ConstExpr, wp::Error> {
    let mut ops = SmallVec::new();
    for op in expr.get_operators_reader() {
        ops.push(match op? {
            wp::Operator::I32Const { value } => ConstOp::I32(value),
            wp::Operator::I64Const { value } => ConstOp::I64(value),
            wp::Operator::F32Const { value } => ConstOp::F32(value.bits()),
            wp::Operator::F64Const { value } => ConstOp::F64(value.bits()),
            wp::Operator::V128Const { value } => ConstOp::V128(value.i128() as u128),
            wp::Operator::GlobalGet { global_index } => ConstOp::GlobalGet(GlobalIndex(global_index)),
            wp::Operator::RefFunc { function_index } => ConstOp::RefFunc(FuncIndex(function_index)),
            wp::Operator::RefNull { .. } => ConstOp::RefNull,
            wp::Operator::I32Add => ConstOp::I32Add,
            wp::Operator::I32Sub => ConstOp::I32Sub,
            wp::Operator::I32Mul => ConstOp::I32Mul,
            wp::Operator::I64Add => ConstOp::I64Add,
            wp::Operator::I64Sub => ConstOp::I64Sub,
            wp::Operator::I64Mul => ConstOp::I64Mul,
            // `end`; anything else was refused by the validator.
            _ => break,
        });
    }
    Ok(ConstExpr(ops))
}

/// Translates a validated value type.
pub(crate) fn val_type(ty: wp::ValType) -> ValType {
    match ty {
        wp::ValType::I32 => ValType::I32,
        wp::ValType::I64 => ValType::I64,
        wp::ValType::F32 => ValType::F32,
        wp::ValType::F64 => ValType::F64,
        wp::ValType::Ref(ty) => ref_type(ty),
        wp::ValType::V128 => ValType::V128,
    }
}

fn ref_type(ty: wp::RefType) -> ValType {
    match ty.heap_type() {
        wp::HeapType::Abstract { ty: wp::AbstractHeapType::Extern, .. } => ValType::ExternRef,
        wp::HeapType::Abstract { ty: wp::AbstractHeapType::Exn | wp::AbstractHeapType::NoExn, .. } => ValType::ExnRef,
        _ => ValType::FuncRef,
    }
}

fn func_type(ty: &wp::FuncType) -> FuncType {
    FuncType {
        params: ty.params().iter().copied().map(val_type).collect(),
        results: ty.results().iter().copied().map(val_type).collect(),
    }
}

fn table_type(ty: &wp::TableType) -> TableType {
    TableType {
        element: ref_type(ty.element_type),
        limits: Limits { min: ty.initial, max: ty.maximum },
        table64: ty.table64,
    }
}

fn memory_type(ty: &wp::MemoryType) -> MemoryType {
    MemoryType { limits: Limits { min: ty.initial, max: ty.maximum }, memory64: ty.memory64, shared: ty.shared }
}

fn global_type(ty: &wp::GlobalType) -> GlobalType {
    GlobalType { content: val_type(ty.content_type), mutable: ty.mutable }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_segments_are_what_the_reader_of_all_forms_reads() {
        let numbers =
            [0, 1, 63, 64, 127, 128, 8191, 8192, -1, -64, -65, -8192, 1 << 20, -(1 << 20), i32::MAX, i32::MIN];
        let mut plain = 0;
        for address in numbers {
            for len in [0, 1, 127, 128, 20_000] {
                let text = format!("(module (memory 1) (data (i32.const {address}) \"{}\"))", "x".repeat(len));
                let module = wat::parse_str(text).unwrap();
                let at = module.len() - len - 1;
                // Backwards to where the only segment begins.
                let found = (0..at).rev().find_map(|at| Some((at, plain_segment(&module[at..], at)?)));
                let parsed = parse(&module).unwrap().data;
                if let Some((at, found)) = found {
                    assert_eq!((&found, parsed.as_slice()), (&data_segment(&module[at..], at).unwrap(), &parsed[..]));
                    assert_eq!(found, parsed[0]);
                    plain += 1;
                }
                assert_eq!(
                    parsed[0].mode,
                    SegmentMode::Active(MemoryIndex(0), ConstExpr(smallvec![ConstOp::I32(address)]))
                );
                assert_eq!(&module[parsed[0].bytes.clone()], "x".repeat(len).as_bytes());
            }
        }
        assert!(plain > 20, "{plain}");
    }

    #[test]
    fn other_segments_are_left_to_the_reader_of_all_forms() {
        for bytes in [
            &[][..],
            &[0],
            &[1, 0],
            &[2, 0, 0x41, 0, 0x0b, 0],
            &[0, 0x42, 0, 0x0b, 0],
            &[0, 0x41, 0x80, 0x80, 0x80, 0x80, 0, 0x0b, 0],
            &[0, 0x41, 0, 0x0b, 1],
            &[0, 0x41, 0, 0x41, 0, 0x6a, 0x0b, 0],
        ] {
            assert!(plain_segment(bytes, 0).is_none(), "{bytes:?}");
        }
        assert_eq!(plain_segment(&[0, 0x41, 0x7f, 0x0b, 1, 9], 10).unwrap().bytes, 15..16);
    }
}
