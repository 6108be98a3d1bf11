//! The tunnel: content of other protocols inside a management session (`flows.md`, tunnel).
//!
//! ```text
//! Tunnel/Message   Exec with the content, or Replace; its Type says what it is
//! Tunnel/Answer    what the handler gave back, such as an IS-683 response
//! Tunnel/Result    what became of the last content: a status code, 0 before the first
//! ```
//! Content goes through the device's dispatcher as if it had arrived by itself, and gains no rights by being wrapped:
//! [`Dispatch`] says what is taken from a tunnel at all. An Exec hands its content in at once, so that the Get behind it in the
//! same message finds the answer; conversations as those of IS-683 are held so. A Replace hands in what it brings when its
//! message, or its Atomic, is committed: for what has to count together with other nodes.

use crate::dm::limits::MAX_TYPE;
use crate::dm::{Access, Call, Chunk, Nodes, Object, Rule};
use crate::syncml::{Code, Format};
use crate::wire::{Decimal, Text, Writer};

/// The identifier of the object: the project's own.
const IDENTIFIER: &str = "urn:x-kedge:mo:tunnel:1.0";

/// The dispatcher of the device, as the tunnel needs it.
pub trait Dispatch {
    /// Whether content of this type would be taken: `UNSUPPORTED_FORMAT` for a type that nothing handles, `FORBIDDEN` for
    /// one that may not come this way.
    fn accepts(&mut self, media_type: &str) -> Result<(), Code>;

    /// Takes content, and writes what is given back to the front of `answer`.
    fn deliver(&mut self, media_type: &str, content: &[u8], answer: &mut [u8]) -> Result<Delivered, Code>;
}

/// What became of content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivered {
    /// It is done; so many octets are given back.
    Done(usize),
    /// Its handler takes it when the tree is not in use any more, by [`Passage::take_waiting`]; the server is told that it is
    /// accepted.
    Later,
}

/// What a tunnel keeps during a session: content of at most `N` octets, where it comes by Replace, and an answer of at most as
/// many. It is kept beside the object where that is made anew for every input of a session.
#[derive(Clone, Debug)]
pub struct Passage<const N: usize> {
    /// Content that a Replace brings, until it counts.
    content: [u8; N],
    len: usize,
    media_type: Text<MAX_TYPE>,
    /// It has come whole and is to be handed in.
    whole: bool,
    /// Its handler takes it later.
    waiting: bool,
    answer: [u8; N],
    answered: usize,
    result: Option<Code>,
}

impl<const N: usize> Passage<N> {
    /// Nothing has come yet.
    pub const EMPTY: Self = Self {
        content: [0; N],
        len: 0,
        media_type: Text::EMPTY,
        whole: false,
        waiting: false,
        answer: [0; N],
        answered: 0,
        result: None,
    };

    /// Nothing of the session before is left.
    pub const fn reset(&mut self) {
        (self.len, self.whole, self.waiting) = (0, false, false);
        (self.answered, self.result) = (0, None);
    }

    /// Gives the content that waits for its handler to `take`, whose code is what became of it.
    pub fn take_waiting(&mut self, take: impl FnOnce(&str, &[u8]) -> Code) {
        if core::mem::take(&mut self.waiting) {
            let content = self.content.get(..self.len).unwrap_or_default();
            self.result = Some(take(self.media_type.as_str(), content));
            self.len = 0;
        }
    }

    /// Whether content waits for its handler.
    pub const fn is_waiting(&self) -> bool {
        self.waiting
    }

    /// Makes room for other content: not while some is to be handed in.
    fn begin(&mut self, media_type: &str) -> Result<(), Code> {
        if self.whole || self.waiting {
            return Err(Code::FORBIDDEN);
        }
        self.len = 0;
        self.media_type = Text::of(&[media_type]).ok_or(Code::UNSUPPORTED_FORMAT)?;
        Ok(())
    }

    /// Takes a piece of content.
    fn put(&mut self, octets: &[u8], offset: u32) -> Result<(), Code> {
        let at = usize::try_from(offset).map_err(|_| Code::TOO_LARGE)?;
        if at != self.len {
            return Err(Code::FAILED);
        }
        let mut w = Writer::new(self.content.get_mut(at..).ok_or(Code::TOO_LARGE)?);
        w.put(octets).map_err(|_| Code::TOO_LARGE)?;
        self.len = at.saturating_add(octets.len());
        Ok(())
    }

    /// Keeps what became of content.
    fn told(&mut self, done: Result<Delivered, Code>) -> Result<Code, Code> {
        (self.answered, self.waiting) = match done {
            Ok(Delivered::Done(len)) => (len.min(N), false),
            Ok(Delivered::Later) => (0, true),
            Err(_) => (0, false),
        };
        let code = done.map(|delivered| match delivered {
            Delivered::Done(_) => Code::OK,
            Delivered::Later => Code::ACCEPTED,
        });
        self.result = Some(code.unwrap_or_else(|code| code));
        code
    }
}

/// The tunnel object.
pub struct Tunnel<'t, const N: usize> {
    passage: &'t mut Passage<N>,
    dispatch: &'t mut dyn Dispatch,
}

impl<const N: usize> core::fmt::Debug for Tunnel<'_, N> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Tunnel").field("result", &self.passage.result).finish_non_exhaustive()
    }
}

impl<'t, const N: usize> Tunnel<'t, N> {
    /// The object over this dispatcher.
    pub const fn new(passage: &'t mut Passage<N>, dispatch: &'t mut dyn Dispatch) -> Self {
        Self { passage, dispatch }
    }
}

impl<const N: usize> Object for Tunnel<'_, N> {
    fn rules(&self) -> &'static [Rule] {
        const RULES: &[Rule] = &[
            Rule::interior("Tunnel", IDENTIFIER),
            Rule::computed("Tunnel/Message", Format::Bin, Access::EXEC.and(Access::REPLACE))
                .typed("application/octet-stream"),
            Rule::computed("Tunnel/Answer", Format::Bin, Access::GET).typed("application/octet-stream"),
            Rule::computed("Tunnel/Result", Format::Int, Access::GET),
        ];
        RULES
    }

    fn get(&mut self, path: &str, _: &Nodes<'_>, out: &mut Writer<'_>) -> Result<(), Code> {
        let put = match path {
            "Tunnel/Answer" => out.put(self.passage.answer.get(..self.passage.answered).unwrap_or_default()),
            "Tunnel/Result" => {
                let result = self.passage.result.map_or(0, |code| u32::from(code.0));
                out.put(Decimal::new(result).as_str().as_bytes())
            }
            _ => return Err(Code::NOT_FOUND),
        };
        put.map_err(|_| Code::TOO_LARGE)
    }

    fn put(&mut self, path: &str, chunk: &Chunk<'_>) -> Result<(), Code> {
        if path != "Tunnel/Message" {
            return Err(Code::NOT_ALLOWED);
        }
        if chunk.offset == 0 {
            let media_type = chunk.media_type.ok_or(Code::INCOMPLETE)?;
            self.dispatch.accepts(media_type)?;
            self.passage.begin(media_type)?;
        }
        self.passage.put(chunk.octets, chunk.offset)?;
        self.passage.whole = chunk.last;
        Ok(())
    }

    fn exec(&mut self, call: &Call<'_>, _: &Nodes<'_>) -> Result<Code, Code> {
        if call.path != "Tunnel/Message" {
            return Err(Code::NOT_ALLOWED);
        }
        let media_type = call.media_type.ok_or(Code::INCOMPLETE)?;
        let Self { passage, dispatch } = self;
        passage.begin(media_type)?;
        let done = dispatch.accepts(media_type);
        let done = done.and_then(|()| dispatch.deliver(media_type, call.argument, &mut passage.answer));
        let done = match done {
            Ok(Delivered::Later) => passage.put(call.argument, 0).map(|()| Delivered::Later),
            done => done,
        };
        passage.told(done)
    }

    fn commit(&mut self, _: &Nodes<'_>) -> Result<(), Code> {
        let Self { passage, dispatch } = self;
        if core::mem::take(&mut passage.whole) {
            let content = passage.content.get(..passage.len).unwrap_or_default();
            let done = dispatch.deliver(passage.media_type.as_str(), content, &mut passage.answer);
            // What became of it stands in Result: the values that were committed with it stay.
            let _ = passage.told(done);
        }
        Ok(())
    }

    fn roll_back(&mut self) {
        if !self.passage.waiting {
            (self.passage.len, self.passage.whole) = (0, false);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{Ram, get};
    use super::*;
    use crate::dm::{Caller, New, Tree, UriLimits};
    use crate::syncml::Verb;
    use std::string::String;
    use std::vec::Vec;

    /// Answers a message with its octets backwards; settings wait for their handler.
    #[derive(Default)]
    struct Desk(Vec<String>);

    impl Dispatch for Desk {
        fn accepts(&mut self, media_type: &str) -> Result<(), Code> {
            match media_type {
                "application/x-is683" | "text/vnd.wap.connectivity-xml" => Ok(()),
                "text/vnd.wap.sl" => Err(Code::FORBIDDEN),
                _ => Err(Code::UNSUPPORTED_FORMAT),
            }
        }

        fn deliver(
            &mut self,
            media_type: &str,
            content: &[u8],
            answer: &mut [u8],
        ) -> Result<Delivered, Code> {
            self.0.push(std::format!("{media_type} {}", String::from_utf8_lossy(content)));
            if media_type.starts_with("text") {
                return Ok(Delivered::Later);
            }
            if content == b"bad" {
                return Err(Code::BAD_REQUEST);
            }
            let room = answer.get_mut(..content.len()).ok_or(Code::TOO_LARGE)?;
            room.iter_mut().zip(content.iter().rev()).for_each(|(to, from)| *to = *from);
            Ok(Delivered::Done(content.len()))
        }
    }

    const SERVER: Caller<'_> = Caller::Server("dms");
    const MESSAGE: &str = "./Tunnel/Message";

    fn content<'c>(media_type: &'c str, octets: &'c str) -> New<'c> {
        New { format: Some(Format::Bin), media_type: Some(media_type), octets: octets.as_bytes() }
    }

    fn with_tree<T>(desk: &mut Desk, work: impl FnOnce(&mut Tree<'_, '_>) -> T) -> T {
        let (mut store, mut passage, mut image) = (Ram::default(), Passage::<16>::EMPTY, [0; 1024]);
        let mut tunnel = Tunnel::new(&mut passage, desk);
        let mut objects: [&mut dyn Object; 1] = [&mut tunnel];
        let mut tree = Tree::open(&mut image, &mut objects, &mut store, UriLimits::OWN).unwrap();
        let all = New::value(b"Add=*&Delete=*&Exec=*&Get=*&Replace=*");
        tree.replace(Caller::Device, ".?prop=ACL", &all).unwrap();
        tree.commit().unwrap();
        work(&mut tree)
    }

    fn told(tree: &mut Tree<'_, '_>) -> (String, String) {
        let text = |tree: &mut Tree<'_, '_>, uri| get(tree, uri).unwrap().0;
        (text(tree, "./Tunnel/Answer"), text(tree, "./Tunnel/Result"))
    }

    #[test]
    fn an_exec_is_answered_at_once() {
        let mut desk = Desk::default();
        with_tree(&mut desk, |tree| {
            assert_eq!(told(tree), (String::new(), "0".into()));
            let is683 = |octets| content("application/x-is683", octets);
            assert_eq!(tree.exec(SERVER, MESSAGE, &is683("abc"), None), Ok(Code::OK));
            assert_eq!(told(tree), ("cba".into(), "200".into()));
            assert_eq!(tree.exec(SERVER, MESSAGE, &is683("bad"), None), Err(Code::BAD_REQUEST));
            assert_eq!(told(tree), (String::new(), "400".into()), "no answer of the one before");
            let long = is683("seventeen octets!");
            assert_eq!(tree.exec(SERVER, MESSAGE, &long, None), Err(Code::TOO_LARGE));
            let settings = content("text/vnd.wap.connectivity-xml", "<x/>");
            assert_eq!(tree.exec(SERVER, MESSAGE, &settings, None), Ok(Code::ACCEPTED));
            assert_eq!(told(tree), (String::new(), "202".into()));
            assert_eq!(tree.exec(SERVER, MESSAGE, &is683("abc"), None), Err(Code::FORBIDDEN), "one waits");
            assert_eq!(get(tree, MESSAGE), Err(Code::NOT_ALLOWED));
        });
        assert_eq!(desk.0.len(), 4);
    }

    #[test]
    fn what_is_not_handled_or_not_typed_is_refused() {
        let mut desk = Desk::default();
        with_tree(&mut desk, |tree| {
            for (media_type, code) in [
                (Some("text/vnd.wap.sl"), Code::FORBIDDEN),
                (Some("a/b"), Code::UNSUPPORTED_FORMAT),
                (None, Code::INCOMPLETE),
            ] {
                let new = New { media_type, ..New::value(b"x") };
                assert_eq!(tree.exec(SERVER, MESSAGE, &new, None), Err(code));
                assert_eq!(tree.replace(SERVER, MESSAGE, &new), Err(code));
            }
            assert_eq!(tree.exec(SERVER, "./Tunnel/Answer", &New::default(), None), Err(Code::NOT_ALLOWED));
        });
        assert_eq!(desk.0, Vec::<String>::new());
    }

    #[test]
    fn a_replace_is_handed_in_with_its_transaction() {
        let mut desk = Desk::default();
        let one = content("application/x-is683", "one");
        with_tree(&mut desk, |tree| {
            tree.replace(SERVER, MESSAGE, &one).unwrap();
            assert_eq!(tree.replace(SERVER, MESSAGE, &one), Err(Code::FORBIDDEN), "one at a time");
            assert_eq!(told(tree).1, "0");
            tree.commit().unwrap();
            assert_eq!(told(tree), ("eno".into(), "200".into()));
            tree.replace(SERVER, MESSAGE, &content("application/x-is683", "two")).unwrap();
            tree.roll_back().unwrap();
            tree.replace(SERVER, MESSAGE, &content("application/x-is683", "bad")).unwrap();
            tree.commit().unwrap();
            assert_eq!(told(tree), (String::new(), "400".into()));
        });
        assert_eq!(desk.0, ["application/x-is683 one", "application/x-is683 bad"]);
    }

    #[test]
    fn what_waits_is_taken_once() {
        let (mut passage, mut desk) = (Passage::<16>::EMPTY, Desk::default());
        let mut tunnel = Tunnel::new(&mut passage, &mut desk);
        let (mut image, mut store) = ([0; 64], Ram::default());
        let mut objects: [&mut dyn Object; 1] = [&mut tunnel];
        let mut tree = Tree::open(&mut image, &mut objects, &mut store, UriLimits::OWN).unwrap();
        let settings = content("text/vnd.wap.connectivity-xml", "<x/>");
        assert_eq!(tree.exec(Caller::Device, MESSAGE, &settings, None), Ok(Code::ACCEPTED));
        assert!(passage.is_waiting());
        let mut seen = Vec::new();
        for _ in 0..2 {
            passage.take_waiting(|media_type, content| {
                seen.push((media_type.len(), content.to_vec()));
                Code::DEVICE_FULL
            });
        }
        assert_eq!((seen, passage.result), (std::vec![(29, b"<x/>".to_vec())], Some(Code::DEVICE_FULL)));
    }

    #[test]
    fn content_may_come_in_pieces() {
        let mut desk = Desk::default();
        with_tree(&mut desk, |tree| {
            let new = content("application/x-is683", "");
            let mut piece = |text: &'static str, offset, last| {
                let chunk = Chunk { offset, last, ..Chunk::whole(text.as_bytes()) };
                tree.piece(SERVER, Verb::Replace, MESSAGE, &new, &chunk)
            };
            assert_eq!((piece("ab", 0, false), piece("cd", 2, true)), (Ok(()), Ok(())));
            tree.commit().unwrap();
            assert_eq!(told(tree).0, "dcba");
            let mut piece = |offset| {
                tree.piece(
                    SERVER,
                    Verb::Replace,
                    MESSAGE,
                    &new,
                    &Chunk { offset, last: false, ..Chunk::whole(&[0; 9]) },
                )
            };
            assert_eq!((piece(0), piece(9)), (Ok(()), Err(Code::TOO_LARGE)));
        });
        assert_eq!(desk.0, ["application/x-is683 abcd"]);
    }
}
