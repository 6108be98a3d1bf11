use crate::dm::limits::MAX_ACL;
use crate::syncml::Code;
use crate::wire::Writer;

/// A command in an access control list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Right {
    /// Add below the node.
    Add,
    /// Delete the node.
    Delete,
    /// Run the node.
    Exec,
    /// Read the node.
    Get,
    /// Overwrite the node.
    Replace,
}

impl Right {
    /// All of them, in the order of the alphabet, in which lists are written.
    pub const ALL: [Self; 5] = [Self::Add, Self::Delete, Self::Exec, Self::Get, Self::Replace];

    /// The word.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Add => "Add",
            Self::Delete => "Delete",
            Self::Exec => "Exec",
            Self::Get => "Get",
            Self::Replace => "Replace",
        }
    }
}

/// An access control list as text (`oma-dm.md` section 9.4).
///
/// ```text
/// acl     = [ entry *( "&" entry ) ]          command = Add | Delete | Exec | Get | Replace
/// entry   = command "=" server *( "+" server )
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Acl<'a>(&'a str);

impl<'a> Acl<'a> {
    /// What the root has until a server changes it.
    pub const ROOT: Acl<'static> = Acl("Add=*&Get=*");

    /// A list as it was written; anything may be asked of it, [`Self::normalised`] judges it.
    pub const fn new(text: &'a str) -> Self {
        Self(text)
    }

    /// The text.
    pub const fn as_str(&self) -> &'a str {
        self.0
    }

    /// Whether `server` has `right`.
    pub fn allows(&self, right: Right, server: &str) -> bool {
        self.servers(right).any(|listed| listed == "*" || listed == server)
    }

    /// The same list in its shortest form, written to `out`: one entry for each command, a wildcard instead of names,
    /// no entry without servers. `BAD_REQUEST` for a text that is no list, `DEVICE_FULL` if it is too long.
    pub fn normalised<'o>(&self, out: &'o mut [u8; MAX_ACL]) -> Result<Acl<'o>, Code> {
        if !self.0.is_empty() && !self.0.split(|c| c == '&').all(is_entry) {
            return Err(Code::BAD_REQUEST);
        }
        self.rewrite("", out)
    }

    /// The list without `server`: for when its account is removed. On the root, where a list must not be empty, the
    /// caller gives a command that lost its last server to everybody.
    pub fn without<'o>(&self, server: &str, out: &'o mut [u8; MAX_ACL]) -> Result<Acl<'o>, Code> {
        self.rewrite(server, out)
    }

    /// `rest`, in which every command that this list has and `rest` lost goes to everybody.
    pub(super) fn opened<'o>(&self, rest: &Acl<'_>, out: &'o mut [u8; MAX_ACL]) -> Result<Acl<'o>, Code> {
        let mut text = [0; 2 * MAX_ACL];
        let mut w = Writer::new(&mut text);
        let lost = |right: &Right| self.servers(*right).count() > 0 && rest.servers(*right).count() == 0;
        for part in
            [rest.0].into_iter().chain(Right::ALL.iter().filter(|right| lost(right)).map(|r| r.name()))
        {
            let between = if w.at() > 0 { "&" } else { "" };
            let servers = if part.contains(|c| c == '=') || part.is_empty() { "" } else { "=*" };
            for text in [between, part, servers] {
                w.put(text.as_bytes()).map_err(|_| Code::DEVICE_FULL)?;
            }
        }
        let text = str::from_utf8(w.finish()).map_err(|_| Code::BAD_REQUEST)?;
        Acl(text).rewrite("", out)
    }

    fn servers(&self, right: Right) -> impl Iterator<Item = &'a str> {
        let grants = Grants { rest: self.0, command: "" };
        let mine = grants.filter(move |(command, server)| *command == right.name() && !server.is_empty());
        mine.map(|(_, server)| server)
    }

    /// The list in its shortest form without the server `struck`.
    fn rewrite<'o>(&self, struck: &str, out: &'o mut [u8; MAX_ACL]) -> Result<Acl<'o>, Code> {
        let mut w = Writer::new(out);
        let full = |_| Code::DEVICE_FULL;
        for right in Right::ALL {
            let servers = || self.servers(right).filter(|server| *server != struck);
            let everybody = servers().any(|server| server == "*");
            let mut lead = true;
            for (i, server) in servers().enumerate() {
                if everybody && server != "*" || servers().take(i).any(|earlier| earlier == server) {
                    continue;
                }
                let between = if w.at() > 0 { "&" } else { "" };
                let before = if lead { [between, right.name(), "="] } else { ["", "", "+"] };
                for text in before.into_iter().chain([server]) {
                    w.put(text.as_bytes()).map_err(full)?;
                }
                lead = false;
            }
        }
        str::from_utf8(w.finish()).map(Acl).map_err(|_| Code::BAD_REQUEST)
    }
}

/// Each command of a list with each of its servers, in the order of the text. An empty name stands for a server that is
/// missing.
struct Grants<'a> {
    rest: &'a str,
    command: &'a str,
}

impl<'a> Iterator for Grants<'a> {
    type Item = (&'a str, &'a str);

    // Everything that is asked of a list goes through here: one copy instead of one for each question.
    #[inline(never)]
    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let len = self.rest.bytes().position(|octet| matches!(octet, b'&' | b'+'));
        let (piece, tail) = self.rest.split_at_checked(len.unwrap_or(self.rest.len()))?;
        let mut characters = tail.chars();
        let ends_entry = characters.next() != Some('+');
        self.rest = characters.as_str();
        let (command, server) = match piece.split_once(|c| c == '=') {
            Some(entry) if self.command.is_empty() => entry,
            _ if self.command.is_empty() => (piece, ""),
            _ => (self.command, piece),
        };
        self.command = if ends_entry { "" } else { command };
        Some((command, server))
    }
}

fn is_entry(entry: &str) -> bool {
    let Some((command, servers)) = entry.split_once(|c| c == '=') else { return false };
    let legal = |c: char| !c.is_whitespace() && !c.is_control() && !matches!(c, '=' | '&' | '*' | '+');
    Right::ALL.iter().any(|right| right.name() == command)
        && (servers.is_empty()
            || servers
                .split(|c| c == '+')
                .all(|server| server == "*" || !server.is_empty() && server.chars().all(legal)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::String;

    fn normal(text: &str) -> Result<String, Code> {
        Acl::new(text).normalised(&mut [0; MAX_ACL]).map(|acl| acl.as_str().into())
    }

    #[test]
    fn lists_have_one_shortest_form() {
        for (text, expected) in [
            ("", ""),
            ("Get=*", "Get=*"),
            ("Replace=A&Get=*&Add=A+B", "Add=A+B&Get=*&Replace=A"),
            ("Get=ServerA&Replace=ServerA&Get=ServerB", "Get=ServerA+ServerB&Replace=ServerA"),
            ("Get=A+A+*+B&Get=*", "Get=*"),
            ("Get=A+B+A", "Get=A+B"),
            ("Get=&Delete=A", "Delete=A"),
        ] {
            assert_eq!(normal(text).as_deref(), Ok(expected), "{text}");
        }
        for text in ["Copy=A", "Get", "Get=A++B", "Get=A=B", "Get= A", "get=*", "&", "Get=A&", "Get=A*"] {
            assert_eq!(normal(text), Err(Code::BAD_REQUEST), "{text}");
        }
        let long = std::format!("Get={}", "a".repeat(MAX_ACL));
        assert_eq!(normal(&long), Err(Code::DEVICE_FULL));
    }

    #[test]
    fn a_server_is_struck_everywhere() {
        let mut out = [0; MAX_ACL];
        let acl = Acl::new("Add=A&Delete=A+B&Get=*&Replace=B").without("A", &mut out).unwrap();
        assert_eq!(acl.as_str(), "Delete=B&Get=*&Replace=B");
    }

    #[test]
    fn rights_are_those_listed() {
        let acl = Acl::new("Get=A+B&Replace=*&Get=C");
        for (right, server, expected) in [
            (Right::Get, "A", true),
            (Right::Get, "C", true),
            (Right::Get, "D", false),
            (Right::Get, "*", false),
            (Right::Replace, "D", true),
            (Right::Exec, "A", false),
        ] {
            assert_eq!(acl.allows(right, server), expected, "{right:?} {server}");
        }
    }
}
