//! The C interface from C: the example handset is compiled with every warning an error, linked with the static library, and
//! activates itself at the simulated operator over HTTP.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};

use kedge_network::{AccountState, Operator, Profile, Subscriber, serve};
use kedge_platform::identity::HardwareId;

/// The example's own.
const ESN: HardwareId = HardwareId::Esn(0xDEAD_BEEF);

/// A classic list of 18 octets (`spec/is683.md` §12.5).
const PRL: [u8; 18] = [
    0x00, 0x12, 0x00, 0x00, 0x80, 0x00, 0x40, 0x01, 0x21, 0x00, 0x02, 0x80, 0x00, 0x50, 0x00, 0x00, 0x6e,
    0xdb,
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(1).expect("tests/ is below the root")
}

/// Makes the static library as a user does; where it is.
fn library() -> PathBuf {
    let output = Command::new(env!("CARGO"))
        .current_dir(root())
        .args(["run", "--quiet", "--package", "xtask", "--", "capi", "--check", "--library", "host"])
        .output()
        .expect("cargo runs");
    let (text, fault) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{text}{fault}");
    PathBuf::from(text.lines().last().expect("the place of the library"))
}

/// Compiles the example; the program.
fn example() -> PathBuf {
    let (capi, program) = (root().join("agent/capi"), Path::new(env!("CARGO_TARGET_TMPDIR")).join("handset"));
    let sources =
        ["handset", "device", "http"].map(|name| capi.join("examples").join(name).with_extension("c"));
    let output = Command::new("cc")
        .args(["-std=c11", "-O1", "-Wall", "-Wextra", "-Werror", "-I"])
        .arg(capi.join("include"))
        .arg("-o")
        .arg(&program)
        .args(sources)
        .arg(library())
        .args(["-lpthread", "-ldl", "-lm"])
        .output()
        .expect("a C compiler, which the workspace needs anyway");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    program
}

#[test]
fn a_handset_in_c_activates_itself() {
    let mut operator = Operator::default();
    operator.subscribe(Profile::new(ESN, Subscriber::sample(), PRL.to_vec()), AccountState::Pending).unwrap();
    let server = serve(Arc::new(Mutex::new(operator)), None).unwrap();
    let output = Command::new(example()).arg(server.http.port().to_string()).output().unwrap();
    let (text, fault) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{text}{fault}");
    assert!(text.contains("display: your phone is activated"), "{text}");
    let operator = server.operator.lock().unwrap();
    assert_eq!(operator.violations(), []);
    assert_eq!(operator.account(ESN).unwrap().activations, 1);
}
