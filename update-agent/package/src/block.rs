use crate::ops::{Op, OpReader, Run};
use crate::{Block, Content, Error, ErrorKind, Input, Kind, ReadError};

/// Makes the octets of one block, front to back, in pieces of any size. It needs no more RAM than itself, and can be
/// started again at any block.
#[derive(Clone, Debug)]
pub struct BlockReader {
    source: Source,
    /// Octets of the block not made yet.
    left: u32,
}

#[derive(Clone, Debug)]
enum Source {
    Package { at: u32 },
    Image { at: u32 },
    Ops { ops: OpReader, piece: Piece },
}

/// What is left of the current op.
#[derive(Clone, Copy, Debug)]
enum Piece {
    Literal {
        left: u32,
    },
    Fill {
        left: u32,
        value: u8,
    },
    /// Octets of the old image as they are, then `behind` more octets in runs.
    Copy {
        at: u32,
        left: u32,
        behind: Option<(Run, u32)>,
    },
    /// Octets of the old image with the differences of `run`, of which `done` are used, then `behind` in more runs.
    Differ {
        at: u32,
        run: Run,
        done: u32,
        behind: u32,
    },
}

const NOTHING: Piece = Piece::Literal { left: 0 };

impl BlockReader {
    /// A reader of `block` from its first octet.
    pub const fn new(block: &Block) -> Self {
        let source = match block.content {
            Content::Stored(at) => Source::Package { at },
            Content::Unchanged => Source::Image { at: block.start },
            Content::Ops { stream, sources } => {
                Source::Ops { ops: OpReader::new(stream, block.start, block.len, sources), piece: NOTHING }
            }
        };
        Self { source, left: block.len }
    }

    /// Fills the front of `out` with the next octets of the block and returns how many: less than `out` holds only at
    /// the end of the block. After an error from the input the reader must be thrown away.
    pub fn fill<I: Input>(&mut self, input: &mut I, out: &mut [u8]) -> Result<usize, ReadError<I::Error>> {
        let wanted = usize::try_from(self.left).unwrap_or(usize::MAX).min(out.len());
        let mut rest = out.get_mut(..wanted).unwrap_or_default();
        while !rest.is_empty() {
            let made = match &mut self.source {
                Source::Package { at } => {
                    input.package(*at, rest).map_err(ReadError::Input)?;
                    advance(at, rest.len())
                }
                Source::Image { at } => {
                    input.image(*at, rest).map_err(ReadError::Input)?;
                    advance(at, rest.len())
                }
                Source::Ops { ops, piece } if Kind::Delta.is_known() => next_piece(ops, piece, input, rest)?,
                Source::Ops { .. } => return Err(ReadError::Format(Error::new(ErrorKind::Unsupported, 0))),
            };
            rest = rest.get_mut(made..).unwrap_or_default();
        }
        self.left = self.left.saturating_sub(u32::try_from(wanted).unwrap_or(u32::MAX));
        if let (0, true, Source::Ops { ops, piece }) = (self.left, Kind::Delta.is_known(), &mut self.source) {
            // refuses what is left of the stream
            finish(ops, piece, input)?;
        }
        Ok(wanted)
    }
}

/// Makes octets at the front of `out`, from one piece, and returns how many; none when it only took up a new piece.
fn next_piece<I: Input>(
    ops: &mut OpReader,
    piece: &mut Piece,
    input: &mut I,
    out: &mut [u8],
) -> Result<usize, ReadError<I::Error>> {
    match piece {
        Piece::Literal { left } | Piece::Fill { left, .. } | Piece::Copy { left, behind: None, .. }
            if *left == 0 =>
        {
            *piece = start(ops.op(input)?, ops, input)?;
            Ok(0)
        }
        Piece::Literal { left } => {
            let target = front(out, left);
            ops.octets(input, target)?;
            Ok(target.len())
        }
        Piece::Fill { left, value } => {
            let target = front(out, left);
            target.fill(*value);
            Ok(target.len())
        }
        Piece::Copy { at, left: 0, behind: Some((run, behind)) } => {
            *piece = Piece::Differ { at: *at, run: *run, done: 0, behind: *behind };
            Ok(0)
        }
        Piece::Copy { at, left, .. } => {
            let target = front(out, left);
            input.image(*at, target).map_err(ReadError::Input)?;
            Ok(advance(at, target.len()))
        }
        Piece::Differ { at, run, done, behind } if *done == run.differences => {
            *piece = if *behind == 0 { NOTHING } else { start_run(ops, input, *at, *behind)? };
            Ok(0)
        }
        Piece::Differ { at, run, done, .. } => {
            let mut left = run.differences.saturating_sub(*done);
            let target = front(out, &mut left);
            input.image(*at, target).map_err(ReadError::Input)?;
            for octet in &mut *target {
                *octet = octet.wrapping_add(ops.difference(input, *run, *done)?);
                *done = done.saturating_add(1);
            }
            Ok(advance(at, target.len()))
        }
    }
}

fn start<I: Input>(op: Option<Op>, ops: &mut OpReader, input: &mut I) -> Result<Piece, ReadError<I::Error>> {
    Ok(match op {
        None => NOTHING,
        Some(Op::Literal { len }) => Piece::Literal { left: len },
        Some(Op::Fill { len, value }) => Piece::Fill { left: len, value },
        Some(Op::Copy { len, source }) => Piece::Copy { at: source, left: len, behind: None },
        Some(Op::Differ { len, source }) => start_run(ops, input, source, len)?,
    })
}

fn start_run<I: Input>(
    ops: &mut OpReader,
    input: &mut I,
    at: u32,
    left: u32,
) -> Result<Piece, ReadError<I::Error>> {
    let run = ops.run(input, left)?;
    let behind = left.saturating_sub(run.unchanged).saturating_sub(run.differences);
    Ok(Piece::Copy { at, left: run.unchanged, behind: Some((run, behind)) })
}

/// Uses up what makes no octets, and requires that nothing else is left.
fn finish<I: Input>(ops: &mut OpReader, piece: &mut Piece, input: &mut I) -> Result<(), ReadError<I::Error>> {
    ops.op(input)?;
    *piece = NOTHING;
    Ok(())
}

/// The front of `out`, at most `left` octets, which are taken off `left`.
fn front<'o>(out: &'o mut [u8], left: &mut u32) -> &'o mut [u8] {
    let n = usize::try_from(*left).unwrap_or(usize::MAX).min(out.len());
    *left = left.saturating_sub(u32::try_from(n).unwrap_or(u32::MAX));
    out.get_mut(..n).unwrap_or_default()
}

fn advance(at: &mut u32, n: usize) -> usize {
    *at = at.saturating_add(u32::try_from(n).unwrap_or(u32::MAX));
    n
}

#[cfg(test)]
mod tests {
    use std::vec;
    use std::vec::Vec;

    use proptest::prelude::*;

    use super::*;
    use crate::ops::{put_copy, put_differ, put_fill, put_literal};

    struct Memory<'a> {
        package: &'a [u8],
        image: &'a [u8],
    }

    impl Input for Memory<'_> {
        type Error = ();

        fn package(&mut self, at: u32, out: &mut [u8]) -> Result<(), ()> {
            out.copy_from_slice(self.package.get(at as usize..at as usize + out.len()).ok_or(())?);
            Ok(())
        }

        fn image(&mut self, at: u32, out: &mut [u8]) -> Result<(), ()> {
            out.copy_from_slice(self.image.get(at as usize..at as usize + out.len()).ok_or(())?);
            Ok(())
        }
    }

    fn small(n: usize) -> u32 {
        u32::try_from(n).unwrap()
    }

    /// Makes a block of `len` octets at offset `start` of an image from `stream`, in pieces of `piece` octets.
    fn make(
        stream: &[u8],
        image: &[u8],
        start: u32,
        len: usize,
        piece: usize,
    ) -> Result<Vec<u8>, ReadError<()>> {
        let content = Content::Ops { stream: (0, small(stream.len())), sources: (0, small(image.len())) };
        let block = Block { index: 0, start, len: small(len), content, check: None };
        let mut reader = BlockReader::new(&block);
        let mut input = Memory { package: stream, image };
        let mut made = Vec::new();
        loop {
            let mut buffer = vec![0xEE; piece];
            let n = reader.fill(&mut input, &mut buffer)?;
            made.extend_from_slice(&buffer[..n]);
            if n < piece {
                return Ok(made);
            }
        }
    }

    /// The stream that each op's documentation describes, octet by octet.
    #[test]
    fn a_stream_written_by_hand() {
        let image: Vec<u8> = (0..100).collect();
        let stream = [
            8, b'a', b'b', b'c', // literal 3
            13, 0xFF, // fill 4
            18, 2, // copy 5 from expected (0 + 7) + 1
            23, 13, 9, 1,
            8,    // differ 6 from expected (13) - 7: 1 unchanged, 1 changed by 1, 1 unchanged, the same, ...
            0x00, // ... and at once again
            0x08, // 1 unchanged to the end
        ];
        assert_eq!(
            make(&stream, &image, 0, 18, 100).unwrap(),
            [b'a', b'b', b'c', 255, 255, 255, 255, 8, 9, 10, 11, 12, 6, 8, 8, 10, 11, 11]
        );
    }

    #[test]
    fn writes_what_is_documented() {
        let mut stream = Vec::new();
        put_literal(&mut stream, b"abc");
        put_fill(&mut stream, 4, 0xFF);
        put_copy(&mut stream, 5, 1);
        put_differ(&mut stream, &[0, 1, 0, 1, 1, 0], -7);
        assert_eq!(stream[..8], [8, b'a', b'b', b'c', 13, 0xFF, 18, 2]);
        let image: Vec<u8> = (0..100).collect();
        let made = make(&stream, &image, 0, 18, 7).unwrap();
        assert_eq!(made[12..], [6, 8, 8, 10, 11, 11]);
    }

    #[test]
    fn damaged_streams_are_refused_where_they_are_damaged() {
        let image = [0; 100];
        let refused = |stream: &[u8], kind, at| {
            assert_eq!(
                make(stream, &image, 50, 10, 64),
                Err(ReadError::Format(Error::new(kind, at))),
                "{stream:x?}"
            );
        };
        refused(&[], ErrorKind::Truncated, 0);
        refused(&[36, 1, 2], ErrorKind::Truncated, 1);
        refused(&[40, 1], ErrorKind::BadLength, 0);
        refused(&[37, 0, 0], ErrorKind::Trailing, 2);
        refused(&[38, 101], ErrorKind::BadSource, 1);
        refused(&[38, 100], ErrorKind::BadSource, 1);
        refused(&[38, 0x80, 0x80, 0x80, 0x80, 0x10], ErrorKind::BadValue, 1);
        refused(&[38, 0x80, 0x80, 0x80, 0x80, 0x80], ErrorKind::BadValue, 1);
        refused(&[39, 0, 0x00], ErrorKind::BadLength, 2);
        refused(&[39, 0, 11 << 3], ErrorKind::BadLength, 2);
        refused(&[39, 0, 9 << 3 | 2, 0, 0], ErrorKind::BadLength, 2);
        refused(&[39, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F, 0], ErrorKind::BadLength, 2);
    }

    #[derive(Clone, Debug)]
    enum Step {
        Literal(Vec<u8>),
        Fill(usize, u8),
        Copy(usize, usize),
        Differ(Vec<u8>, usize),
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let difference = prop_oneof![4 => Just(0), 1 => Just(16), 1 => any::<u8>()];
        let step = prop_oneof![
            proptest::collection::vec(any::<u8>(), 1..40).prop_map(Step::Literal),
            (1..200usize, any::<u8>()).prop_map(|(n, value)| Step::Fill(n, value)),
            (1..200usize, 0..300usize).prop_map(|(n, at)| Step::Copy(n, at)),
            (proptest::collection::vec(difference, 1..200), 0..300usize)
                .prop_map(|(d, at)| Step::Differ(d, at)),
        ];
        proptest::collection::vec(step, 1..12)
    }

    proptest! {
        #[test]
        fn made_is_what_was_written(
            steps in steps(),
            image in proptest::collection::vec(any::<u8>(), 500..=500),
            start in 0..500usize,
            piece in 1..70usize,
        ) {
            let (mut stream, mut block, mut expected) = (Vec::new(), Vec::new(), start);
            for step in &steps {
                let from = |at: usize, expected: usize| i32::try_from(at).unwrap() - i32::try_from(expected).unwrap();
                let before = block.len();
                let end = match step {
                    Step::Literal(octets) => {
                        put_literal(&mut stream, octets);
                        block.extend_from_slice(octets);
                        None
                    }
                    Step::Fill(n, value) => {
                        put_fill(&mut stream, *n, *value);
                        block.extend(core::iter::repeat_n(*value, *n));
                        None
                    }
                    Step::Copy(n, at) => {
                        put_copy(&mut stream, *n, from(*at, expected));
                        block.extend_from_slice(&image[*at..at + n]);
                        Some(at + n)
                    }
                    Step::Differ(differences, at) => {
                        put_differ(&mut stream, differences, from(*at, expected));
                        block.extend(image[*at..].iter().zip(differences).map(|(a, b)| a.wrapping_add(*b)));
                        Some(at + differences.len())
                    }
                };
                expected = end.unwrap_or(expected + block.len() - before);
            }
            prop_assert_eq!(make(&stream, &image, small(start), block.len(), piece).unwrap(), block.clone());
            // a longer and a shorter stream, or block, is refused
            stream.push(0);
            prop_assert!(make(&stream, &image, small(start), block.len(), piece).is_err());
            stream.truncate(stream.len() - 2);
            prop_assert!(make(&stream, &image, small(start), block.len(), piece).is_err());
        }

        /// Whatever the stream says, only octets of its own and of the image are read, and it ends.
        #[test]
        fn any_stream_stays_inside(
            stream in proptest::collection::vec(any::<u8>(), 0..200),
            start in 0..600u32,
            len in 1..1000usize,
        ) {
            if let Err(error) = make(&stream, &[7; 500], start, len, 64) {
                prop_assert!(matches!(error, ReadError::Format(_)), "read outside: {:?}", error);
            }
        }
    }
}
