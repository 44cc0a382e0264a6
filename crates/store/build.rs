//! The migrations are embedded at compile time; Cargo has to know where they are.

fn main() {
    println!("cargo::rerun-if-changed=../../migrations/client");
}
