//! Compressed content: which streams of the images are unpacked for the delta, and the recipe to make them again.
//!
//! A stream that both images hold octet for octet stays as it is. Of the others, those are unpacked that gain most, as long
//! as the device's memory lasts: the old ones whose content is like that of new ones, and the new ones whose encoder can be
//! imitated without too many corrections.
mod deflate;
mod find;
mod lzma;

use std::collections::HashSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use kedge_repack::deflate::Manner;
use kedge_repack::deflate::correct::{self, Model};
use kedge_repack::deflate::make::Room;
use kedge_repack::lzma as device;
use kedge_repack::recipe::{self, Coder, Head, New, Old, STREAMS_MAX};
use kedge_repack::remake;

use crate::coder::{COST, Encoder};

pub use find::Format;
use find::{Content, Found};

/// A stream of one of the images.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stream {
    /// Whether it is one of the new image.
    pub is_new: bool,
    /// Its offset in the image.
    pub start: usize,
    /// Its octets.
    pub len: usize,
    /// Octets that it holds.
    pub plain: usize,
    /// What it stands in.
    pub format: Format,
    /// How it is carried.
    pub carried: Carried,
}

/// How a stream is carried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Carried {
    /// Of the new image: unpacked, and made again as this encoder does, with so many octets of corrections.
    Remade(Encoding, usize),
    /// Of the new image: unpacked, and made again from its encoder's decisions, which take so many octets.
    Decided(usize),
    /// Of the old image: unpacked.
    Unpacked,
    /// As octets: it is in both images.
    Same,
    /// As octets: the device overwrites its image, where nothing can be unpacked.
    InPlace,
    /// As octets: the device has too little memory.
    Memory,
    /// As octets: making it again takes too many corrections.
    Unlike,
    /// As octets: unpacking it makes nothing smaller.
    NoGain,
}

/// An encoder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Encoding {
    /// Its level.
    pub level: u8,
    /// zlib's `memLevel`, or what it is with another encoder.
    pub memory: u8,
    /// It is the program gzip.
    pub gzip: bool,
}

impl From<Manner> for Encoding {
    fn from(manner: Manner) -> Self {
        Self { level: manner.level, memory: manner.hash_bits.saturating_sub(7), gzip: manner.gzip }
    }
}

/// The streams of both images.
pub(crate) struct Streams {
    old: Vec<Found>,
    new: Vec<Item>,
    /// Per old stream: whether the new image holds it too.
    same: Vec<bool>,
}

/// A stream of the new image.
struct Item {
    found: Found,
    same: bool,
    recipe: Option<Recipe>,
    /// The old stream whose content is most like its own.
    like: Option<usize>,
}

/// How a stream of the new image can be made again.
enum Recipe {
    Deflate(deflate::Recipe),
    /// The same for all of LZMA, and about so many octets.
    Lzma(usize),
}

impl Recipe {
    /// Finds out how a stream can be made again that is like an old one, or not.
    fn find(found: &Found, octets: &[u8], like: Option<&Found>) -> Option<Self> {
        match &found.content {
            Content::Deflate { window_bits, parsed, .. } => {
                deflate::Recipe::find(parsed, octets, *window_bits).map(Self::Deflate)
            }
            Content::Lzma(parsed) => Some(Self::Lzma(parsed.likely_cost(like.and_then(Found::lzma)))),
        }
    }

    /// Octets of its corrections or decisions.
    const fn cost(&self) -> usize {
        match self {
            Self::Deflate(recipe) => recipe.cost,
            Self::Lzma(cost) => *cost,
        }
    }
}

/// Which streams are unpacked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Choice {
    old: Vec<bool>,
    new: Vec<bool>,
}

impl Choice {
    /// Whether nothing is unpacked.
    pub(crate) fn is_empty(&self) -> bool {
        !self.new.contains(&true)
    }
}

/// Both images with streams unpacked.
pub(crate) struct Expanded {
    pub(crate) old: Vec<u8>,
    pub(crate) new: Vec<u8>,
    pub(crate) recipe: Vec<u8>,
    /// Octets of memory that unpacking and making again takes.
    pub(crate) memory: usize,
    /// Octets of the recipe that each stream of the new image took.
    pub(crate) spent: Vec<usize>,
}

/// A stream is not made again if its corrections take more than this share of it.
const WORTH: usize = 2;

impl Streams {
    /// Finds the streams of which each holds at most `limit` octets, and their encoders.
    pub(crate) fn find(old: &[u8], new: &[u8], limit: usize) -> Self {
        let (found_old, found_new) = (find::streams(old, limit), find::streams(new, limit));
        let all_old: HashSet<&[u8]> = found_old.iter().map(|found| &old[found.range()]).collect();
        let all_new: HashSet<&[u8]> = found_new.iter().map(|found| &new[found.range()]).collect();
        let same = found_old.iter().map(|found| all_new.contains(&old[found.range()])).collect();
        let contents: Vec<HashSet<u64>> = found_old.iter().map(|found| shingles(found.plain())).collect();
        let items = in_parallel(found_new, |found| {
            let same = all_old.contains(&new[found.range()]);
            let like = if same { None } else { likest(&shingles(found.plain()), &contents) };
            let recipe = if same {
                None
            } else {
                Recipe::find(&found, &new[found.body.clone()], like.map(|like| &found_old[like]))
            };
            Item { found, same, recipe, like }
        });
        Self { old: found_old, new: items, same }
    }

    /// Whether nothing can be unpacked.
    pub(crate) fn is_empty(&self) -> bool {
        self.new.iter().all(|item| item.recipe.is_none())
    }

    /// The streams to unpack with so many octets of memory, those with the largest gain first. `alone`: also new streams
    /// whose like is not in the old image.
    pub(crate) fn choose(&self, memory: usize, alone: bool) -> Choice {
        let mut choice = Choice { old: vec![false; self.old.len()], new: vec![false; self.new.len()] };
        let gain = |item: &Item| {
            let cost = item.recipe.as_ref()?.cost();
            let len = item.found.body.len();
            (cost < len / WORTH && (alone || item.like.is_some())).then(|| len - cost)
        };
        let mut order: Vec<(usize, usize)> =
            self.new.iter().enumerate().filter_map(|(n, item)| Some((gain(item)?, n))).collect();
        order.sort_by_key(|(gain, n)| (usize::MAX - gain, *n));
        for (_, n) in order.into_iter().take(STREAMS_MAX as usize) {
            let before = choice.clone();
            choice.new[n] = true;
            if let Some(like) = self.new[n].like {
                choice.old[like] = true;
            }
            if remake::words(&self.head(&choice)) * 4 > memory {
                choice = before;
            }
        }
        choice
    }

    /// What the recipe of a choice begins with.
    fn head(&self, choice: &Choice) -> Head {
        let old = || self.old.iter().zip(&choice.old).filter(|(_, chosen)| **chosen).map(|(found, _)| found);
        let new = || self.new.iter().zip(&choice.new).filter(|(_, chosen)| **chosen).map(|(item, _)| item);
        let room = new().filter_map(|item| match item.recipe.as_ref()? {
            Recipe::Deflate(recipe) => Some(Room::new(&recipe.manner, small(item.found.plain().len()))),
            Recipe::Lzma(_) => None,
        });
        let old_lzma = || old().filter_map(Found::lzma).map(|parsed| &parsed.stream);
        let new_lzma = new().filter_map(|item| item.found.lzma()).map(|parsed| &parsed.stream);
        let notes = old_lzma().map(|stream| device::Decisions::words(stream.plain, stream.tokens));
        Head {
            old: small(old().count()),
            plain: old().map(|found| small(found.plain().len())).sum(),
            new: small(new().count()),
            expanded: 0,
            room: room.fold(Room::default(), Room::or),
            lzma: device::Needs {
                room: new_lzma.map(device::Room::of).fold(device::Room::default(), device::Room::or),
                streams: small(old_lzma().count()),
                notes: small(notes.sum()),
            },
        }
    }

    /// Both images with the chosen streams unpacked.
    pub(crate) fn expand(&self, old: &[u8], new: &[u8], choice: &Choice) -> Expanded {
        let mut words = vec![0; correct::WORDS];
        let mut model = Model::new(&mut words).expect("the memory is as large as it says");
        let mut bits = Encoder::new();
        let chosen_old: Vec<&Found> =
            self.old.iter().zip(&choice.old).filter(|(_, chosen)| **chosen).map(|(found, _)| found).collect();
        let chosen_new: Vec<&Item> =
            self.new.iter().zip(&choice.new).filter(|(_, chosen)| **chosen).map(|(item, _)| item).collect();
        let expanded_old = expand(old, &chosen_old, false);
        let founds: Vec<&Found> = chosen_new.iter().map(|item| &item.found).collect();
        let expanded_new = expand(new, &founds, true);
        let head = Head { expanded: small(expanded_new.len()), ..self.head(choice) };
        crate::encode::sure(recipe::head(&mut model, &mut bits, head));
        let mut end = 0;
        for found in chosen_old {
            let range = found.range();
            let plain = small(found.plain().len());
            let lzma = found.lzma().map(|parsed| parsed.stream.into());
            let stream = Old { gap: small(range.start - end), len: small(range.len()), plain, lzma };
            crate::encode::sure(recipe::old(&mut model, &mut bits, stream));
            end = range.end;
        }
        let mut words = vec![0; head.lzma.room.words()];
        let mut maker = device::Maker::new(head.lzma.room, &mut words).expect("as large as it says");
        let mut spent = vec![0; self.new.len()];
        let mut end = 0;
        for (item, spent) in self.new.iter().zip(&mut spent).zip(&choice.new).filter_map(chosen) {
            let range = item.found.range();
            let octets = &new[item.found.body.clone()];
            let (gap, plain) = (small(range.start - end), small(item.found.plain().len()));
            let before = bits.cost();
            match (&item.found.content, &item.recipe) {
                (Content::Deflate { check, parsed, .. }, Some(Recipe::Deflate(recipe))) => {
                    let coder = Coder::Deflate { check: *check, manner: recipe.manner };
                    crate::encode::sure(recipe::new(&mut model, &mut bits, New { gap, plain, coder }));
                    recipe.code(parsed, &mut bits, &mut model);
                }
                (Content::Lzma(parsed), _) => {
                    let like = item.like.and_then(|like| self.numbered(choice, like));
                    let coder = Coder::Lzma { stream: parsed.stream, like: like.map(|(number, _)| number) };
                    crate::encode::sure(recipe::new(&mut model, &mut bits, New { gap, plain, coder }));
                    parsed.code(&mut maker, &mut bits, octets, like.map(|(_, like)| like));
                }
                _ => unreachable!("only streams with a recipe are chosen"),
            }
            *spent = usize::try_from((bits.cost() - before) / COST / 8).expect("below the image");
            end = range.end;
        }
        let memory = remake::words(&head) * 4;
        Expanded { old: expanded_old, new: expanded_new, recipe: bits.finish(), memory, spent }
    }

    /// A chosen old stream, if it is one of LZMA, and its number among those.
    fn numbered(&self, choice: &Choice, number: usize) -> Option<(u32, &lzma::Parsed)> {
        let chosen = |n: &usize| choice.old[*n] && self.old[*n].lzma().is_some();
        let parsed = Some(number).filter(chosen).and_then(|number| self.old[number].lzma())?;
        Some((small((0..number).filter(chosen).count()), parsed))
    }

    /// How the streams are carried: `made` is what was chosen, if anything was, and what each stream took of the recipe;
    /// `others` is why streams that could be unpacked were not.
    pub(crate) fn report(&self, made: Option<(&Choice, &[usize])>, others: Carried) -> Vec<Stream> {
        let choice = made.map(|(choice, _)| choice);
        let left = |same: bool| if same { Carried::Same } else { others };
        let old = self.old.iter().enumerate().map(|(n, found)| {
            let unpacked = choice.is_some_and(|choice| choice.old[n]);
            let carried = if unpacked { Carried::Unpacked } else { left(self.same[n]) };
            stream(found, false, carried)
        });
        let new = self.new.iter().enumerate().map(|(n, item)| {
            let chosen = choice.is_some_and(|choice| choice.new[n]);
            let carried = match &item.recipe {
                Some(Recipe::Deflate(recipe)) if chosen => Carried::Remade(recipe.manner.into(), recipe.cost),
                Some(Recipe::Lzma(_)) if chosen => Carried::Decided(made.map_or(0, |(_, spent)| spent[n])),
                Some(recipe) if recipe.cost() >= item.found.body.len() / WORTH => Carried::Unlike,
                None if !item.same => Carried::Unlike,
                _ => left(item.same),
            };
            stream(&item.found, true, carried)
        });
        old.chain(new).collect()
    }
}

fn stream(found: &Found, is_new: bool, carried: Carried) -> Stream {
    let Found { format, body, .. } = found;
    let plain = found.plain().len();
    Stream { is_new, start: body.start, len: body.len(), plain, format: *format, carried }
}

/// What was chosen.
fn chosen<T>((item, chosen): (T, &bool)) -> Option<T> {
    chosen.then_some(item)
}

fn small(n: usize) -> u32 {
    u32::try_from(n).expect("images are below 1 GiB")
}

/// The image with these streams, which are in order, unpacked. The places before them are filled with octets of the old
/// image, as the device does, or in the new one with zeros, which it drops.
fn expand(image: &[u8], streams: &[&Found], is_new: bool) -> Vec<u8> {
    let mut out = Vec::new();
    let mut end = 0;
    for found in streams {
        let range = found.range();
        out.extend(&image[end..range.start]);
        let most = if is_new { u32::MAX } else { small(range.len()) };
        let place = recipe::place(small(out.len()), small(found.plain().len()), most);
        let filling = place.expect("images are below 1 GiB") as usize - out.len();
        let octets = if is_new { &[0; 256] } else { &image[range.start..] };
        out.extend(&octets[..filling]);
        out.extend(found.plain());
        end = range.end;
    }
    out.extend(&image[end..]);
    out
}

/// Octets of a shingle, and which of them count: one of so many.
const SHINGLE: usize = 12;
const SAMPLE: u64 = 8;

/// Some of the strings of a content, chosen by themselves, so that like contents give like sets.
fn shingles(plain: &[u8]) -> HashSet<u64> {
    let hash = |octets: &[u8]| {
        octets.iter().fold(0u64, |hash, octet| (hash ^ u64::from(*octet)).wrapping_mul(0x0000_0100_0000_01B3))
    };
    plain.windows(SHINGLE).map(hash).map(|hash| hash ^ hash >> 29).filter(|hash| hash % SAMPLE == 0).collect()
}

/// The content that shares the most with `one`, the first among equals; none if nothing is shared.
fn likest(one: &HashSet<u64>, contents: &[HashSet<u64>]) -> Option<usize> {
    let shared = |content: &HashSet<u64>| one.iter().filter(|hash| content.contains(hash)).count();
    let counts = contents.iter().map(shared).enumerate().filter(|(_, count)| *count > 0);
    counts.max_by_key(|(n, count)| (*count, usize::MAX - n)).map(|(n, _)| n)
}

/// Does the same with all, on every core; the results are in order.
fn in_parallel<T: Send, R: Send>(items: Vec<T>, each: impl Fn(T) -> R + Sync) -> Vec<R> {
    let waiting: Vec<Mutex<Option<T>>> = items.into_iter().map(|item| Mutex::new(Some(item))).collect();
    let done: Vec<Mutex<Option<R>>> = waiting.iter().map(|_| Mutex::new(None)).collect();
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from).min(waiting.len()) {
            scope.spawn(|| {
                while let Some((item, place)) = {
                    let n = next.fetch_add(1, Ordering::Relaxed);
                    waiting.get(n).zip(done.get(n))
                } {
                    let item = item.lock().expect("no thread panics").take().expect("each is taken once");
                    *place.lock().expect("no thread panics") = Some(each(item));
                }
            });
        }
    });
    let results = done.into_iter().map(|result| result.into_inner().expect("no thread panics"));
    results.map(|result| result.expect("all are done")).collect()
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod zlib;
