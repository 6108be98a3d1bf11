use crate::dm::{Store, StoreError};
use crate::syncml::{Code, Format};
use crate::wire::{Error, Reader};

/// The first octet of an image: the version of its form.
const VERSION: u8 = 1;

/// A field of an image. A node is a [`Field::Path`] and the fields behind it, up to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Field {
    Path = 1,
    Value = 2,
    /// One octet, the place in [`Format::ALL`].
    Format = 3,
    Type = 4,
    Acl = 5,
    Title = 6,
    Stamp = 7,
    /// Two octets, big-endian.
    Version = 8,
}

/// The values and properties that the tree keeps, as one image in the caller's buffer.
///
/// ```text
/// image = version 1, then fields: kind 1, length 2 (big-endian), octets
/// ```
/// What was never set is not in it: permanent nodes come from rules.
#[derive(Debug)]
pub struct Nodes<'t> {
    buf: &'t mut [u8],
    len: usize,
}

/// Where a field stands in the image.
#[derive(Clone, Copy, Debug)]
struct Place {
    /// Its first octet, that of the kind.
    at: usize,
    /// Octets of the field, kind and length included.
    len: usize,
}

/// Octets of kind and length.
const LEAD: usize = 3;

impl<'t> Nodes<'t> {
    /// An empty image in `buf`.
    pub(super) const fn new(buf: &'t mut [u8]) -> Self {
        Self { buf, len: 0 }
    }

    /// The image of `len` octets that is in `buf`.
    pub(super) const fn resume(buf: &'t mut [u8], len: usize) -> Self {
        Self { buf, len }
    }

    /// Reads the image of `store` into `buf`, to be looked at without the objects whose values it holds.
    pub fn read(buf: &'t mut [u8], store: &mut dyn Store) -> Result<Self, StoreError> {
        let mut nodes = Self::new(buf);
        nodes.load(store)?;
        Ok(nodes)
    }

    /// The value of a kept leaf, if it was set.
    pub fn value(&self, path: &str) -> Option<&[u8]> {
        self.field(path, Field::Value)
    }

    /// The same as text.
    pub fn text(&self, path: &str) -> Option<&str> {
        self.value(path).and_then(|octets| str::from_utf8(octets).ok())
    }

    /// The names of the nodes directly below `path` that the image knows: all that were added, and those permanent
    /// ones of which something was set.
    pub fn names<'n>(&'n self, path: &'n str) -> impl Iterator<Item = &'n str> {
        self.paths().filter_map(move |known| {
            let below = if path.is_empty() { known } else { known.strip_prefix(path)?.strip_prefix('/')? };
            (!below.is_empty() && !below.contains(|c| c == '/')).then_some(below)
        })
    }

    /// The octets of the image.
    pub fn image(&self) -> &[u8] {
        self.buf.get(..self.len).unwrap_or_default()
    }

    /// Octets for which there is room.
    pub const fn room(&self) -> usize {
        self.buf.len().saturating_sub(self.len)
    }

    pub(super) fn load(&mut self, store: &mut dyn Store) -> Result<(), StoreError> {
        self.len = 0;
        let len = store.load(self.buf)?;
        let image = self.buf.get(..len).ok_or(StoreError::Failed)?;
        if len > 0 && !is_image(image) {
            return Err(StoreError::Failed);
        }
        self.len = len;
        Ok(())
    }

    /// Whether the image has a node at `path`.
    pub(super) fn has(&self, path: &str) -> bool {
        self.place(path, Field::Path).is_some()
    }

    pub(super) fn field(&self, path: &str, kind: Field) -> Option<&[u8]> {
        let Place { at, len } = self.place(path, kind)?;
        self.image().get(at..at.checked_add(len)?)?.get(LEAD..)
    }

    pub(super) fn text_field(&self, path: &str, kind: Field) -> Option<&str> {
        self.field(path, kind).and_then(|octets| str::from_utf8(octets).ok())
    }

    pub(super) fn format(&self, path: &str) -> Option<Format> {
        let [place] = self.field(path, Field::Format)? else { return None };
        Format::ALL.get(usize::from(*place)).copied()
    }

    /// All paths, in the order in which the nodes came.
    pub(super) fn paths(&self) -> impl Iterator<Item = &str> {
        self.fields()
            .filter(|(kind, ..)| *kind == Field::Path as u8)
            .filter_map(|(_, octets, _)| str::from_utf8(octets).ok())
    }

    /// Makes sure that the image has a node at `path`.
    pub(super) fn touch(&mut self, path: &str) -> Result<(), Code> {
        if self.has(path) {
            return Ok(());
        }
        if self.len == 0 {
            *self.buf.first_mut().ok_or(Code::DEVICE_FULL)? = VERSION;
            self.len = 1;
        }
        self.insert(self.len, Field::Path, path.as_bytes())
    }

    /// Sets a field of the node at `path`, which comes into the image if it is not there. On an error nothing of the
    /// field has changed.
    pub(super) fn set(&mut self, path: &str, kind: Field, octets: &[u8]) -> Result<(), Code> {
        self.touch(path)?;
        let old = self.place(path, kind);
        let needed = octets.len().saturating_add(LEAD).saturating_sub(old.map_or(0, |place| place.len));
        if needed > self.room() || u16::try_from(octets.len()).is_err() {
            return Err(Code::DEVICE_FULL);
        }
        if let Some(place) = old {
            self.cut(place);
        }
        let node = self.place(path, Field::Path).ok_or(Code::FAILED)?;
        self.insert(node.at.saturating_add(node.len), kind, octets)
    }

    /// Takes a field away.
    pub(super) fn clear(&mut self, path: &str, kind: Field) {
        if let Some(place) = self.place(path, kind) {
            self.cut(place);
        }
    }

    /// Appends to the value of a node.
    pub(super) fn append(&mut self, path: &str, octets: &[u8]) -> Result<(), Code> {
        let Some(Place { at, len }) = self.place(path, Field::Value) else {
            return self.set(path, Field::Value, octets);
        };
        let length = len.saturating_sub(LEAD).saturating_add(octets.len());
        let [high, low] = u16::try_from(length).map_err(|_| Code::DEVICE_FULL)?.to_be_bytes();
        self.open_gap(at.saturating_add(len), octets.len())?;
        self.write(at.saturating_add(len), octets);
        self.write(at.saturating_add(1), &[high, low]);
        Ok(())
    }

    /// Makes the value of the node `from`, which goes, that of the node `path`.
    pub(super) fn adopt(&mut self, path: &str, from: &str) -> Result<(), Code> {
        self.touch(path)?;
        self.clear(path, Field::Value);
        if let (Some(value), Some(node)) = (self.place(from, Field::Value), self.place(path, Field::Path)) {
            let to = node.at.saturating_add(node.len);
            let end = value.at.saturating_add(value.len);
            if let Some(region) = self.buf.get_mut(to.min(value.at)..to.max(end)) {
                let left = if to < value.at { region.len().saturating_sub(value.len) } else { value.len };
                rotate_left(region, left);
            }
        }
        self.remove(from);
        Ok(())
    }

    /// Removes the node at `path` and all below it.
    pub(super) fn remove(&mut self, path: &str) {
        while let Some(place) = self.first_within(path) {
            self.cut(place);
        }
    }

    /// Removes all below the node at `path`.
    pub(super) fn remove_below(&mut self, path: &str) {
        while let Some(place) = self.first_below(path) {
            self.cut(place);
        }
    }

    /// Gives the node at `path` and all below it another place, which nothing has.
    pub(super) fn rename(&mut self, path: &str, new: &str) -> Result<(), Code> {
        let count = self.paths().filter(|known| super::uri::is_within(known, path)).count();
        let growth = new.len().saturating_sub(path.len()).saturating_mul(count);
        if growth > self.room() {
            return Err(Code::DEVICE_FULL);
        }
        for _ in 0..count {
            let Some(at) = self.path_within(path) else { return Ok(()) };
            let start = at.saturating_add(LEAD);
            self.open_gap(start, new.len())?;
            self.write(start, new.as_bytes());
            self.close_gap(start.saturating_add(new.len()), path.len());
            let old = self.length_at(at);
            let length = old.saturating_sub(path.len()).saturating_add(new.len());
            let [high, low] = u16::try_from(length).map_err(|_| Code::FAILED)?.to_be_bytes();
            self.write(at.saturating_add(1), &[high, low]);
        }
        Ok(())
    }

    /// The fields: kind, octets, place.
    fn fields(&self) -> Fields<'_> {
        let image = self.image();
        let (version, fields) = image.split_at_checked(1).unwrap_or_default();
        Fields { reader: Reader::with_base(fields, version.len()) }
    }

    fn place(&self, path: &str, kind: Field) -> Option<Place> {
        let mut mine = false;
        for (found, octets, place) in self.fields() {
            if found == Field::Path as u8 {
                if mine {
                    return None;
                }
                mine = octets == path.as_bytes();
            }
            if mine && found == kind as u8 {
                return Some(place);
            }
        }
        None
    }

    /// The place of the first path at or below `path`.
    fn path_within(&self, path: &str) -> Option<usize> {
        let within =
            |octets: &[u8]| str::from_utf8(octets).is_ok_and(|known| super::uri::is_within(known, path));
        self.fields()
            .find(|(kind, octets, _)| *kind == Field::Path as u8 && within(octets))
            .map(|(.., place)| place.at)
    }

    /// The whole of the first node at or below `path`.
    fn first_within(&self, path: &str) -> Option<Place> {
        self.path_within(path).map(|at| self.node_at(at))
    }

    /// The whole of the first node below `path`.
    fn first_below(&self, path: &str) -> Option<Place> {
        let below = |octets: &[u8]| {
            str::from_utf8(octets).is_ok_and(|known| known != path && super::uri::is_within(known, path))
        };
        let mut paths = self.fields().filter(|(kind, ..)| *kind == Field::Path as u8);
        paths.find(|(_, octets, _)| below(octets)).map(|(.., place)| self.node_at(place.at))
    }

    /// The whole of the node whose path stands at `at`.
    fn node_at(&self, at: usize) -> Place {
        let next = self.fields().find(|(kind, _, place)| *kind == Field::Path as u8 && place.at > at);
        let end = next.map_or(self.len, |(.., place)| place.at);
        Place { at, len: end.saturating_sub(at) }
    }

    fn length_at(&self, at: usize) -> usize {
        let octet = |i: usize| self.buf.get(at.saturating_add(i)).copied().unwrap_or(0);
        u16::from_be_bytes([octet(1), octet(2)]).into()
    }

    fn insert(&mut self, at: usize, kind: Field, octets: &[u8]) -> Result<(), Code> {
        let [high, low] = u16::try_from(octets.len()).map_err(|_| Code::DEVICE_FULL)?.to_be_bytes();
        self.open_gap(at, octets.len().saturating_add(LEAD))?;
        self.write(at, &[kind as u8, high, low]);
        self.write(at.saturating_add(LEAD), octets);
        Ok(())
    }

    fn cut(&mut self, place: Place) {
        self.close_gap(place.at, place.len);
    }

    /// Moves what stands at `at` and behind by `n` octets to the back.
    fn open_gap(&mut self, at: usize, n: usize) -> Result<(), Code> {
        let end = self.len.checked_add(n).ok_or(Code::DEVICE_FULL)?;
        let moved = self.buf.get_mut(at..end).ok_or(Code::DEVICE_FULL)?;
        let left = moved.len().saturating_sub(n);
        rotate_left(moved, left);
        self.len = end;
        Ok(())
    }

    /// Moves what stands `n` octets behind `at` to there.
    fn close_gap(&mut self, at: usize, n: usize) {
        if let Some(moved) = self.buf.get_mut(at..self.len)
            && n <= moved.len()
        {
            rotate_left(moved, n);
            self.len = self.len.saturating_sub(n);
        }
    }

    fn write(&mut self, at: usize, octets: &[u8]) {
        for (to, from) in self.buf.iter_mut().skip(at).zip(octets) {
            *to = *from;
        }
    }
}

/// Moves the first `n` octets behind the others. (The library's own keeps a path to a panic.)
fn rotate_left(octets: &mut [u8], n: usize) {
    if let Some((front, back)) = octets.split_at_mut_checked(n) {
        front.reverse();
        back.reverse();
        octets.reverse();
    }
}

/// Whether octets are an image: of this version, and every field whole.
fn is_image(image: &[u8]) -> bool {
    let Some((&version, fields)) = image.split_first() else { return false };
    let mut reader = Reader::new(fields);
    let mut first = true;
    while !reader.is_empty() {
        let Ok((kind, _)) = field(&mut reader) else { return false };
        if first && kind != Field::Path as u8 {
            return false;
        }
        first = false;
    }
    version == VERSION
}

fn field<'a>(reader: &mut Reader<'a>) -> Result<(u8, &'a [u8]), Error> {
    let kind = reader.u8()?;
    let len = reader.u16()?;
    Ok((kind, reader.take(len.into())?))
}

struct Fields<'n> {
    reader: Reader<'n>,
}

impl<'n> Iterator for Fields<'n> {
    type Item = (u8, &'n [u8], Place);

    fn next(&mut self) -> Option<Self::Item> {
        let at = self.reader.at();
        let (kind, octets) = field(&mut self.reader).ok()?;
        Some((kind, octets, Place { at, len: octets.len().saturating_add(LEAD) }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::{String, ToString};
    use std::vec::Vec;

    fn listed(nodes: &Nodes<'_>) -> Vec<(String, String)> {
        let value = |path: &str| nodes.text(path).unwrap_or("-").to_string();
        nodes.paths().map(|path| (path.to_string(), value(path))).collect()
    }

    fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(a, b)| (a.to_string(), b.to_string())).collect()
    }

    #[test]
    fn fields_are_set_grow_shrink_and_go() {
        let mut buf = [0; 256];
        let mut nodes = Nodes::new(&mut buf);
        for (path, value) in [("A", "one"), ("A/B", "two"), ("AB", "three"), ("A/B/C", "")] {
            nodes.set(path, Field::Value, value.as_bytes()).unwrap();
        }
        nodes.set("A", Field::Title, b"title").unwrap();
        nodes.set("A/B", Field::Value, b"a longer one").unwrap();
        nodes.append("A/B", b", and more").unwrap();
        nodes.append("A", b"!").unwrap();
        assert_eq!(
            listed(&nodes),
            pairs(&[("A", "one!"), ("A/B", "a longer one, and more"), ("AB", "three"), ("A/B/C", "")])
        );
        assert_eq!(nodes.names("A").collect::<Vec<_>>(), ["B"]);
        assert_eq!(nodes.names("").collect::<Vec<_>>(), ["A", "AB"]);
        assert!(is_image(nodes.image()));
        nodes.rename("A/B", "A/Long").unwrap();
        nodes.rename("AB", "Z").unwrap();
        assert_eq!(
            listed(&nodes),
            pairs(&[("A", "one!"), ("A/Long", "a longer one, and more"), ("Z", "three"), ("A/Long/C", "")])
        );
        nodes.clear("A", Field::Value);
        assert_eq!(nodes.text_field("A", Field::Title), Some("title"));
        nodes.remove("A");
        assert_eq!(listed(&nodes), pairs(&[("Z", "three")]));
        assert!(is_image(nodes.image()));
    }

    #[test]
    fn a_value_moves_to_its_node_from_behind_and_from_before() {
        for behind in [true, false] {
            let mut buf = [0; 128];
            let mut nodes = Nodes::new(&mut buf);
            let order = if behind { ["A", "part"] } else { ["part", "A"] };
            for path in order {
                nodes.touch(path).unwrap();
            }
            nodes.set("A", Field::Title, b"title").unwrap();
            nodes.set("A", Field::Value, b"old").unwrap();
            nodes.append("part", b"new ").unwrap();
            nodes.append("part", b"value").unwrap();
            nodes.set("Z", Field::Value, b"z").unwrap();
            nodes.adopt("A", "part").unwrap();
            assert_eq!(listed(&nodes), pairs(&[("A", "new value"), ("Z", "z")]), "{behind}");
            assert_eq!(nodes.text_field("A", Field::Title), Some("title"));
        }
    }

    #[test]
    fn what_does_not_fit_changes_nothing() {
        let mut buf = [0; 32];
        let mut nodes = Nodes::new(&mut buf);
        nodes.set("A", Field::Value, b"0123456789").unwrap();
        let before = nodes.image().to_vec();
        assert_eq!(nodes.set("A", Field::Value, &[0; 40]), Err(Code::DEVICE_FULL));
        assert_eq!(nodes.append("A", &[0; 40]), Err(Code::DEVICE_FULL));
        assert_eq!(nodes.rename("A", &"B".repeat(40)), Err(Code::DEVICE_FULL));
        assert_eq!(nodes.image(), before);
    }

    struct Fixed(Vec<u8>);

    impl Store for Fixed {
        fn load(&mut self, buffer: &mut [u8]) -> Result<usize, StoreError> {
            buffer[..self.0.len()].copy_from_slice(&self.0);
            Ok(self.0.len())
        }

        fn save(&mut self, _: &[u8]) -> Result<(), StoreError> {
            Ok(())
        }
    }

    #[test]
    fn images_of_another_version_or_broken_ones_are_not_taken() {
        let mut buf = [0; 64];
        let mut nodes = Nodes::new(&mut buf);
        nodes.set("A", Field::Value, b"x").unwrap();
        let good = nodes.image().to_vec();
        let load = |image: &[u8]| Nodes::new(&mut [0; 64]).load(&mut Fixed(image.to_vec()));
        assert_eq!(load(&good), Ok(()));
        assert_eq!(load(&[]), Ok(()));
        for len in 1..good.len() {
            let whole = len == 1 || len == 5;
            assert_eq!(load(&good[..len]).is_ok(), whole, "{len}");
        }
        let mut later = good.clone();
        later[0] = VERSION + 1;
        assert_eq!(load(&later), Err(StoreError::Failed));
    }
}
