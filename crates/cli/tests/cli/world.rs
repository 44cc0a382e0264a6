//! A node and the people on it.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    path::PathBuf,
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc::{self, Receiver, RecvTimeoutError},
    time::{Duration, Instant},
};

use conclave_node::{Config, Node, Running};
use serde_json::Value;
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// Longer than anything takes on a busy machine; a test that waits so long has failed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A node of its own, in this process.
pub(crate) struct World {
    pub(crate) runtime: Runtime,
    pub(crate) url: String,
    _node: Running,
}

impl World {
    pub(crate) fn new() -> Self {
        let runtime = Runtime::new().unwrap();
        let node = runtime.block_on(Node::start(Config::temporary())).unwrap();
        Self {
            runtime,
            url: format!("http://{}", node.grpc_addr),
            _node: node,
        }
    }

    /// Somebody without an account.
    pub(crate) fn stranger(&self) -> Person {
        let folder = tempfile::tempdir().unwrap();
        let key_file = folder.path().join("key");
        std::fs::write(&key_file, "5a".repeat(32)).unwrap();
        Person { folder, key_file }
    }

    /// Somebody with an account.
    pub(crate) fn person(&self) -> Person {
        let person = self.stranger();
        person.run(&["account", "create", "--node", &self.url]);
        person
    }
}

/// A data folder and its key file.
pub(crate) struct Person {
    pub(crate) folder: TempDir,
    pub(crate) key_file: PathBuf,
}

/// What a command did.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) code: i32,
    pub(crate) out: Vec<Value>,
    pub(crate) err: String,
}

impl Outcome {
    /// The one error on standard error.
    pub(crate) fn error(&self) -> Value {
        assert_eq!(self.err.lines().count(), 1, "{self:?}");
        let error: Value = serde_json::from_str(&self.err).unwrap();
        assert!(
            error["message"].as_str().unwrap().ends_with('.'),
            "no sentence: {error}"
        );
        assert!(error["retryable"].is_boolean(), "{error}");
        error
    }
}

impl Person {
    /// The program for this person, with JSON.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.bare_command();
        command
            .arg("--key-file")
            .arg(&self.key_file)
            .arg("--json")
            .args(arguments);
        command
    }

    /// The program for this person, without a key.
    pub(crate) fn bare_command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_conclave-cli"));
        command
            .env_remove("RUST_LOG")
            .arg("--data")
            .arg(self.folder.path().join("data"));
        command
    }

    pub(crate) fn outcome(&self, arguments: &[&str]) -> Outcome {
        self.outcome_with_input(arguments, "")
    }

    pub(crate) fn outcome_with_input(&self, arguments: &[&str], input: &str) -> Outcome {
        run(self.command(arguments), input)
    }

    /// Everything a command that succeeds prints.
    pub(crate) fn list(&self, arguments: &[&str]) -> Vec<Value> {
        let outcome = self.outcome(arguments);
        assert_eq!(
            (outcome.code, outcome.err.as_str()),
            (0, ""),
            "{arguments:?}: {outcome:?}"
        );
        outcome.out
    }

    /// The one thing a command that succeeds prints.
    pub(crate) fn run(&self, arguments: &[&str]) -> Value {
        let mut out = self.list(arguments);
        assert_eq!(out.len(), 1, "{arguments:?}: {out:?}");
        out.remove(0)
    }

    /// The exit code and error code of a command that fails and prints nothing.
    pub(crate) fn refused(&self, arguments: &[&str]) -> (i32, String) {
        let outcome = self.outcome(arguments);
        assert!(outcome.out.is_empty(), "{arguments:?}: {outcome:?}");
        (outcome.code, text(&outcome.error()["code"]))
    }

    pub(crate) fn account(&self) -> Value {
        self.run(&["account", "show"])
    }

    pub(crate) fn inbox_id(&self) -> String {
        text(&self.account()["inbox_id"])
    }

    pub(crate) fn address(&self) -> String {
        text(&self.account()["address"])
    }

    /// Texts of the messages that people wrote, oldest first.
    pub(crate) fn texts(&self, id: &str) -> Vec<String> {
        let messages = self.list(&["group", "messages", id, "--kind", "application"]);
        messages
            .iter()
            .map(|message| text(&message["text"]))
            .collect()
    }

    /// Starts a command that goes on until it is stopped.
    pub(crate) fn start(&self, arguments: &[&str]) -> Started {
        Started::new(self.command(arguments))
    }
}

pub(crate) fn run(mut command: Command, input: &str) -> Outcome {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // The program may end without reading what it was given.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let output = child.wait_with_output().unwrap();
    let out = String::from_utf8(output.stdout).unwrap();
    Outcome {
        code: output.status.code().unwrap(),
        out: out
            .lines()
            .map(|line| serde_json::from_str(line).expect(line))
            .collect(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

/// A command that is running.
pub(crate) struct Started {
    child: Child,
    lines: Receiver<Value>,
}

impl Started {
    fn new(mut command: Command) -> Self {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        let (sender, lines) = mpsc::channel();
        std::thread::spawn(move || {
            for line in out.lines().map_while(Result::ok) {
                let line = serde_json::from_str(&line).expect(&line);
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        Self { child, lines }
    }

    /// The next line.
    pub(crate) fn next(&self) -> Value {
        self.lines
            .recv_timeout(PATIENCE)
            .expect("the program prints nothing more")
    }

    /// Sends a signal, waits for the end, and checks that nothing more was printed.
    pub(crate) fn stop(mut self, signal: &str) -> ExitStatus {
        let pid = self.child.id().to_string();
        let sent = Command::new("sh")
            .args(["-c", "kill -s \"$0\" \"$1\"", signal, &pid])
            .status()
            .unwrap();
        assert!(sent.success());
        let started = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(started.elapsed() < PATIENCE, "the program does not end");
            std::thread::sleep(Duration::from_millis(10));
        };
        let rest = self.lines.recv_timeout(PATIENCE);
        assert_eq!(rest, Err(RecvTimeoutError::Disconnected));
        status
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        // Only a test that has failed leaves it running.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) fn text(value: &Value) -> String {
    value
        .as_str()
        .unwrap_or_else(|| panic!("{value} is no text"))
        .to_owned()
}

/// Asserts that an object has these fields; additions are fine.
pub(crate) fn assert_fields(object: &Value, fields: &[&str]) {
    for field in fields {
        assert!(
            object.get(field).is_some(),
            "{field} is missing in {object}"
        );
    }
}

pub(crate) fn assert_hex(value: &Value, bytes: usize) {
    let hex = text(value);
    assert_eq!(hex.len(), bytes * 2, "{hex}");
    assert!(
        hex.chars()
            .all(|c| c.is_ascii_digit() || ('a'..='f').contains(&c)),
        "{hex}"
    );
}

pub(crate) fn assert_ns(value: &Value) {
    let ns: i64 = text(value).parse().unwrap();
    // Between 2020 and 2100.
    assert!(
        (1_577_836_800_000_000_000..4_102_444_800_000_000_000).contains(&ns),
        "{ns}"
    );
}
