//! The desktop command `kedge`.
fn main() {}
