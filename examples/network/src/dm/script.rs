//! A session as a text file, so that a test case of an operator can be played again.
//!
//! ```text
//! # Lines: a word, then arguments; texts with spaces stand in double quotes.
//! device basic|md5 NAME PASSWORD     how the device must prove itself (default: not)
//! server md5 NAME PASSWORD [NONCE]   how the server proves itself (default: not)
//! package                            begins the server's next package
//! fault NAME                         the package's message has this fault
//! get URI [= VALUE] [STATUS...]      commands; the statuses that are right, none: any
//! replace URI VALUE [STATUS...]
//! add URI VALUE [STATUS...]
//! node URI [STATUS...]               adds an interior node
//! delete URI [STATUS...]
//! copy FROM TO [STATUS...]
//! exec URI [correlator TEXT] [STATUS...]
//! octets URI HEX [STATUS...]         a Get that must bring these octets
//! tunnel TYPE HEX [STATUS...]        content of this media type for the device's dispatcher
//! alert CODE OPTIONS TEXT [CHOICE...] [-> STATUS...]
//! atomic [STATUS...] / sequence [STATUS...] / end
//! event TYPE DATA                    the device must have sent this generic alert before the session ends
//! ```

use super::credentials::{DmCredentials, DmScheme};
use super::fault::DmFault;
use super::order::{DmOrder, DmSay, DmValue};

/// One package of the server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DmPackage {
    /// Its commands.
    pub says: Vec<DmSay>,
    /// What is wrong with it.
    pub fault: Option<DmFault>,
}

/// A session to be held.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DmScript {
    /// How the device must prove itself.
    pub device: DmCredentials,
    /// How the server proves itself.
    pub server: DmCredentials,
    /// The packages.
    pub packages: Vec<DmPackage>,
    /// Generic alerts that the device must send: type and data.
    pub events: Vec<(String, String)>,
}

/// A line of a script that means nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DmScriptError {
    /// Its number, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub what: String,
}

impl core::fmt::Display for DmScriptError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "line {}: {}", self.line, self.what)
    }
}

impl core::error::Error for DmScriptError {}

impl DmScript {
    /// Reads a script.
    pub fn parse(text: &str) -> Result<Self, DmScriptError> {
        let mut script = Self::default();
        let mut open: Vec<(bool, DmSay)> = Vec::new();
        let mut last = 0;
        for (line, text) in (1..).zip(text.lines()) {
            last = line;
            let words = words(text).map_err(|what| DmScriptError { line, what })?;
            let Some((word, arguments)) = words.split_first() else { continue };
            script.line(word, arguments, &mut open).map_err(|what| DmScriptError { line, what })?;
        }
        if open.is_empty() {
            Ok(script)
        } else {
            Err(DmScriptError { line: last, what: "no end".to_owned() })
        }
    }

    fn line(
        &mut self,
        word: &str,
        arguments: &[String],
        open: &mut Vec<(bool, DmSay)>,
    ) -> Result<(), String> {
        match (word, arguments) {
            ("device", [scheme, name, password]) => self.device = credentials(scheme, name, password, "")?,
            ("server", [scheme, name, password]) => self.server = credentials(scheme, name, password, "")?,
            ("server", [scheme, name, password, nonce]) => {
                self.server = credentials(scheme, name, password, nonce)?;
            }
            ("package", []) => self.packages.push(DmPackage::default()),
            ("fault", [name]) => {
                let fault = DmFault::ALL.into_iter().find(|fault| fault.name() == name);
                let fault = fault.ok_or_else(|| format!("no fault {name:?}"))?;
                self.packages.last_mut().ok_or("a fault before the first package")?.fault = Some(fault);
            }
            ("event", [kind, data]) => self.events.push((kind.clone(), data.clone())),
            ("atomic", rest) => open.push((true, say(DmOrder::Atomic(Vec::new()), rest)?)),
            ("sequence", rest) => open.push((false, say(DmOrder::Sequence(Vec::new()), rest)?)),
            ("end", []) => {
                let (_, say) = open.pop().ok_or("an end of nothing")?;
                self.push(say, open)?;
            }
            _ => {
                let say = command(word, arguments)?;
                self.push(say, open)?;
            }
        }
        Ok(())
    }

    /// Puts a command into the innermost container, or into the package.
    fn push(&mut self, say: DmSay, open: &mut [(bool, DmSay)]) -> Result<(), String> {
        match open.last_mut() {
            Some((_, DmSay { order: DmOrder::Atomic(inner) | DmOrder::Sequence(inner), .. })) => {
                inner.push(say);
            }
            _ => self.packages.last_mut().ok_or("a command before the first package")?.says.push(say),
        }
        Ok(())
    }
}

fn credentials(scheme: &str, name: &str, password: &str, nonce: &str) -> Result<DmCredentials, String> {
    let scheme = match scheme {
        "basic" => DmScheme::Basic,
        "md5" => DmScheme::Md5,
        other => return Err(format!("no scheme {other:?}")),
    };
    let (name, password) = (name.to_owned(), password.to_owned());
    Ok(DmCredentials { scheme, name, password, nonce: nonce.as_bytes().to_vec() })
}

fn command(word: &str, arguments: &[String]) -> Result<DmSay, String> {
    let owned = |text: &String| text.clone();
    match (word, arguments) {
        ("get", [uri, equals, value, rest @ ..]) if equals == "=" => {
            let value = Some(value.clone().into_bytes());
            Ok(DmSay { value, ..say(DmOrder::Get(owned(uri)), rest)? })
        }
        ("octets", [uri, value, rest @ ..]) => {
            let value = Some(octets(value)?);
            Ok(DmSay { value, ..say(DmOrder::Get(owned(uri)), rest)? })
        }
        ("tunnel", [media_type, content, rest @ ..]) => {
            say(DmOrder::tunnel(media_type, octets(content)?), rest)
        }
        ("get", [uri, rest @ ..]) => say(DmOrder::Get(owned(uri)), rest),
        ("replace", [uri, value, rest @ ..]) => say(DmOrder::Replace(DmValue::text(uri, value)), rest),
        ("add", [uri, value, rest @ ..]) => say(DmOrder::Add(DmValue::text(uri, value)), rest),
        ("node", [uri, rest @ ..]) => {
            let value = DmValue { uri: owned(uri), format: "node".to_owned(), ..DmValue::default() };
            say(DmOrder::Add(value), rest)
        }
        ("delete", [uri, rest @ ..]) => say(DmOrder::Delete(owned(uri)), rest),
        ("copy", [from, to, rest @ ..]) => say(DmOrder::Copy { from: owned(from), to: owned(to) }, rest),
        ("exec", [uri, word, correlator, rest @ ..]) if word == "correlator" => {
            let correlator = Some(owned(correlator));
            say(DmOrder::Exec { uri: owned(uri), correlator, data: None }, rest)
        }
        ("exec", [uri, rest @ ..]) => {
            say(DmOrder::Exec { uri: owned(uri), correlator: None, data: None }, rest)
        }
        ("alert", [code, rest @ ..]) => {
            let code = code.parse().map_err(|_| format!("no code {code:?}"))?;
            let end = rest.iter().position(|word| word == "->").unwrap_or(rest.len());
            let (texts, statuses) = rest.split_at(end);
            say(DmOrder::Alert(code, texts.to_vec()), statuses.get(1..).unwrap_or_default())
        }
        ("unknown", [name, rest @ ..]) => say(DmOrder::Unknown(owned(name)), rest),
        _ => Err(format!("{word:?} with {} arguments is no line of a script", arguments.len())),
    }
}

/// The octets that hexadecimal digits mean.
fn octets(digits: &str) -> Result<Vec<u8>, String> {
    let wrong = || format!("{digits:?} is not hexadecimal");
    if !digits.len().is_multiple_of(2) || !digits.is_ascii() {
        return Err(wrong());
    }
    let pairs = (0..digits.len()).step_by(2).filter_map(|at| digits.get(at..at + 2));
    pairs.map(|pair| u8::from_str_radix(pair, 16).map_err(|_| wrong())).collect()
}

fn say(order: DmOrder, statuses: &[String]) -> Result<DmSay, String> {
    let statuses: Result<Vec<u16>, _> =
        statuses.iter().map(|word| word.parse().map_err(|_| format!("no status {word:?}"))).collect();
    Ok(DmSay { order, statuses: statuses?, value: None })
}

/// The words of a line.
fn words(line: &str) -> Result<Vec<String>, String> {
    let mut words = Vec::new();
    let mut rest = line.trim_start();
    while !rest.is_empty() && !rest.starts_with('#') {
        let (word, after) = match rest.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"').ok_or("a quotation that does not end")?,
            None => rest.split_once(char::is_whitespace).unwrap_or((rest, "")),
        };
        words.push(word.to_owned());
        rest = after.trim_start();
    }
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_reads() {
        let script = DmScript::parse(
            "# a test case\n\
             server md5 dms \"a b\" Nonce\n\
             package\n  get ./DevDetail/FwV = \"1.0\" 200 # first\n  atomic 200\n    replace ./A x 200\n  end\n\
             package\n  fault lost-reply\n  exec ./FUMO/Download correlator c1 202\n\
             \x20 alert 1101 MINDT=1 \"Go on?\" -> 200 304\n\
             octets ./Tunnel/Answer 0a0b 200\n  tunnel application/x-is683 05 200\n\
             event org.example.done 200\n",
        )
        .unwrap();
        assert_eq!(script.server.nonce, b"Nonce");
        assert_eq!(script.packages.len(), 2);
        let get = &script.packages[0].says[0];
        assert_eq!((get.value.as_deref(), &get.statuses[..]), (Some(&b"1.0"[..]), &[200][..]));
        assert!(matches!(&script.packages[0].says[1].order, DmOrder::Atomic(inner) if inner.len() == 1));
        assert_eq!(script.packages[1].fault, Some(DmFault::LostReply));
        assert_eq!(script.packages[1].says[1].statuses, [200, 304]);
        assert_eq!(script.packages[1].says[2].value.as_deref(), Some(&[10, 11][..]));
        assert_eq!(script.packages[1].says[3].order, DmOrder::tunnel("application/x-is683", vec![5]));
        assert_eq!(script.events, [("org.example.done".to_owned(), "200".to_owned())]);
    }

    #[test]
    fn a_line_that_means_nothing_is_named() {
        for (text, line, what) in [
            ("get ./A", 1, "a command before the first package"),
            ("package\n\nfault none", 3, "no fault \"none\""),
            ("package\nget ./A two", 2, "no status \"two\""),
            ("package\nfly ./A", 2, "\"fly\" with 1 arguments is no line of a script"),
            ("package\natomic", 2, "no end"),
            ("package\nend", 2, "an end of nothing"),
            ("package\nreplace ./A \"x", 2, "a quotation that does not end"),
            ("package\ntunnel a/b 0g", 2, "\"0g\" is not hexadecimal"),
            ("device hmac a b", 1, "no scheme \"hmac\""),
        ] {
            let error = DmScriptError { line, what: what.to_owned() };
            assert_eq!(DmScript::parse(text), Err(error), "{text}");
        }
    }
}
