use core::fmt::{self, Write};

use crate::limits::HEADER_LEN;
use crate::ops::{Op, OpReader};
use crate::{Block, Content, Envelope, Error, ErrorKind, Header, Input, Manifest, Plan, ReadError, cbor};

/// Writes what a package holds, one line per field, block and op, each with its offset. Broken input is shown up to the
/// fault, which is returned. Signature and hashes are shown, not checked. An output that takes no more gives
/// [`ErrorKind::NoRoom`].
pub fn dump(package: &[u8], out: &mut impl Write) -> Result<(), Error> {
    let mut out = Lines { out };
    let header =
        package.first_chunk::<HEADER_LEN>().ok_or(Error::new(ErrorKind::Truncated, package.len()))?;
    let header = Header::parse(header)?;
    out.line(
        0,
        format_args!("header: envelope {} octets, payload {} octets", header.envelope, header.payload),
    )?;
    let (front, payload) = package.split_at_checked(position(header.payload_at())).unwrap_or((package, &[]));
    let (_, envelope) = front.split_at_checked(HEADER_LEN).unwrap_or_default();
    let envelope = Envelope::parse(envelope)?;
    let form = if envelope.suit().is_some() { "SUIT with COSE_Sign1" } else { "COSE_Sign1" };
    out.line(HEADER_LEN, format_args!("envelope: {form}, EdDSA, key id {}", Hex(envelope.key_id.octets())))?;
    manifest_items(&envelope, &mut out)?;
    let manifest = Manifest::parse(envelope.manifest, envelope.manifest_at)?;
    out.line(envelope.signature_at, format_args!("signature {}", Hex(&envelope.signature)))?;
    if let Some(suit) = envelope.suit() {
        suit.agrees(&manifest)?;
    }
    if header.payload != manifest.payload.size {
        return Err(Error::new(ErrorKind::BadLength, 8));
    }
    blocks(&manifest, header, package, &mut out)?;
    match payload.len().cmp(&position(header.payload)) {
        core::cmp::Ordering::Less => Err(Error::new(ErrorKind::Truncated, package.len())),
        core::cmp::Ordering::Equal => Ok(()),
        core::cmp::Ordering::Greater => {
            Err(Error::new(ErrorKind::Trailing, front.len().saturating_add(position(header.payload))))
        }
    }
}

/// The manifest's entries as they stand there, before anything is said about their meaning.
fn manifest_items<W: Write>(envelope: &Envelope<'_>, out: &mut Lines<'_, W>) -> Result<(), Error> {
    let mut reader = cbor::Reader::new(envelope.manifest, envelope.manifest_at);
    for _ in 0..reader.map()? {
        let at = reader.at();
        let key = reader.i64()?;
        let name = Manifest::key_name(key);
        match reader.simple()? {
            cbor::Item::Integer(value) => out.line(at, format_args!("  {key} {name}: {value}"))?,
            cbor::Item::Bytes(octets) => out.line(at, format_args!("  {key} {name}: {}", Hex(octets)))?,
            cbor::Item::Text(text) => out.line(at, format_args!("  {key} {name}: {text:?}"))?,
            cbor::Item::Bool(value) => out.line(at, format_args!("  {key} {name}: {value}"))?,
        }
    }
    Ok(())
}

fn blocks<W: Write>(
    manifest: &Manifest<'_>,
    header: Header,
    package: &[u8],
    out: &mut Lines<'_, W>,
) -> Result<(), Error> {
    let at = header.payload_at();
    let mut input = Stored(package);
    let plan = Plan::read(manifest, at, &mut input).map_err(fault)?;
    if manifest.payload.kind.is_coded() {
        // its parts depend on each other from the first bit on
        let blocks = plan.blocks();
        let kind = manifest.payload.kind;
        return out.line(position(at), format_args!("payload: {kind:?}, {blocks} blocks"));
    }
    let (kind, order) = (manifest.payload.kind, plan.order());
    out.line(position(at), format_args!("payload: {kind:?}, {} blocks, {order:?}", plan.blocks()))?;
    for step in 0..plan.blocks() {
        let block = plan.block(step, &mut input).map_err(fault)?;
        let Block { index, start, len, content, check } = block;
        let at = if let Content::Stored(at) = content { at } else { plan.entry_at(index) };
        let place = Place { index, start, len };
        // a header may promise far more than there is
        if matches!(content, Content::Stored(at) if position(at) >= package.len()) {
            return Err(Error::new(ErrorKind::Truncated, package.len()));
        }
        match content {
            Content::Stored(_) => out.line(position(at), format_args!("  {place}, stored"))?,
            Content::Unchanged => out.line(position(at), format_args!("  {place}, unchanged"))?,
            Content::Ops { stream, sources: (from, to) } => {
                let crc = check.unwrap_or_default();
                out.line(position(at), format_args!("  {place}, crc {crc:08x}, from {from:#x}..{to:#x}"))?;
                ops(OpReader::new(stream, start, len, (from, to)), start, &mut input, out)?;
            }
        }
    }
    Ok(())
}

fn ops<W: Write>(
    mut reader: OpReader,
    start: u32,
    input: &mut Stored<'_>,
    out: &mut Lines<'_, W>,
) -> Result<(), Error> {
    let mut made = start;
    loop {
        let at = position(reader.at());
        let Some(op) = reader.op(input).map_err(fault)? else { return Ok(()) };
        let len = op.len();
        match op {
            Op::Literal { .. } => {
                out.line(at, format_args!("    {made:#x} literal {len}"))?;
                reader.skip(len).map_err(fault)?;
            }
            Op::Fill { value, .. } => {
                out.line(at, format_args!("    {made:#x} fill {len} with {value:02x}"))?;
            }
            Op::Copy { source, .. } => {
                out.line(at, format_args!("    {made:#x} copy {len} from {source:#x}"))?;
            }
            Op::Differ { source, .. } => {
                let (runs, changed) = runs(&mut reader, len, input)?;
                out.line(
                    at,
                    format_args!(
                        "    {made:#x} copy {len} from {source:#x}, {changed} changed in {runs} runs"
                    ),
                )?;
            }
        }
        made = made.saturating_add(len);
    }
}

/// Passes over the runs of an op that makes `len` octets: how many, and how many octets they change.
fn runs(reader: &mut OpReader, len: u32, input: &mut Stored<'_>) -> Result<(u32, u32), Error> {
    let (mut left, mut runs, mut changed) = (len, 0u32, 0u32);
    while left > 0 {
        let run = reader.run(input, left).map_err(fault)?;
        for n in 0..run.differences {
            reader.difference(input, run, n).map_err(fault)?;
        }
        left = left.saturating_sub(run.unchanged).saturating_sub(run.differences);
        runs = runs.saturating_add(1);
        changed = changed.saturating_add(run.differences);
    }
    Ok((runs, changed))
}

/// Where a block belongs.
struct Place {
    index: u32,
    start: u32,
    len: u32,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "block {}: image {:#x} +{}", self.index, self.start, self.len)
    }
}

struct Lines<'o, W> {
    out: &'o mut W,
}

impl<W: Write> Lines<'_, W> {
    fn line(&mut self, at: usize, text: fmt::Arguments<'_>) -> Result<(), Error> {
        writeln!(self.out, "{at:06x}  {text}").map_err(|_| Error::new(ErrorKind::NoRoom, at))
    }
}

struct Hex<'a>(&'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|octet| write!(f, "{octet:02x}"))
    }
}

/// A package in memory, without the old image.
struct Stored<'a>(&'a [u8]);

impl Input for Stored<'_> {
    type Error = Error;

    fn package(&mut self, at: u32, out: &mut [u8]) -> Result<(), Error> {
        let source = self.0.split_at_checked(position(at)).map_or(&[][..], |(_, rest)| rest);
        if source.len() < out.len() {
            return Err(Error::new(ErrorKind::Truncated, self.0.len()));
        }
        for (to, from) in out.iter_mut().zip(source) {
            *to = *from;
        }
        Ok(())
    }

    fn image(&mut self, _at: u32, out: &mut [u8]) -> Result<(), Error> {
        out.fill(0);
        Ok(())
    }
}

fn fault(error: ReadError<Error>) -> Error {
    match error {
        ReadError::Input(error) | ReadError::Format(error) => error,
    }
}

fn position(at: u32) -> usize {
    usize::try_from(at).unwrap_or(usize::MAX)
}
