//! The program: ready line, signals, exit codes, restart under traffic.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::peer::{APPLICATION, Peer, group, http, next, private_message};

/// The program with a configuration of the test's own; killed if the test fails.
struct Program {
    child: Child,
    grpc: String,
    http: String,
    rest: Option<BufReader<std::process::ChildStdout>>,
}

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_conclave-node"));
    command
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("CONCLAVE_NODE_") {
            command.env_remove(name);
        }
    }
    command
}

fn start(mut command: Command) -> Program {
    let mut child = command.stderr(Stdio::null()).spawn().unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    stdout.read_line(&mut line).unwrap();
    let ready: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!(ready["event"], "ready");
    assert_eq!(ready.as_object().unwrap().len(), 3);
    Program {
        child,
        grpc: ready["grpc"].as_str().unwrap().to_owned(),
        http: ready["http"].as_str().unwrap().to_owned(),
        rest: Some(stdout),
    }
}

fn serve(database: &Path) -> Program {
    let database = format!("sqlite:{}", database.display());
    start(command(&[
        "--listen",
        "127.0.0.1:0",
        "--http-listen",
        "127.0.0.1:0",
        "--database",
        &database,
    ]))
}

impl Program {
    fn url(&self) -> String {
        format!("http://{}", self.grpc)
    }

    /// Sends the signal and answers when the program has exited, and with what.
    fn stop(mut self, signal: &str) -> (Option<i32>, Duration, String) {
        let asked = Instant::now();
        let pid = self.child.id().to_string();
        assert!(
            Command::new("kill")
                .args([signal, &pid])
                .status()
                .unwrap()
                .success()
        );
        let code = self.child.wait().unwrap().code();
        let mut rest = String::new();
        self.rest.take().unwrap().read_to_string(&mut rest).unwrap();
        (code, asked.elapsed(), rest)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test]
async fn it_says_that_it_is_ready_and_stops_when_told() {
    let folder = tempfile::tempdir().unwrap();
    for signal in ["-TERM", "-INT"] {
        let program = serve(&folder.path().join("sub/node.db"));
        let health = http()
            .get(format!("http://{}/health", program.http))
            .send()
            .await
            .unwrap();
        assert_eq!(health.status(), 200);
        let mut alix = Peer::at(&program.url()).await;
        let mut stream = alix.stream(&[(&group(1), 0)]).await;
        // A stream whose reader does nothing must not hold the program up.
        let mut silent = Peer::at(&program.url()).await;
        let _unread = silent.stream(&[(&group(1), 0)]).await;
        let (code, took, rest) = tokio::task::spawn_blocking(move || program.stop(signal))
            .await
            .unwrap();
        assert_eq!(code, Some(0));
        assert!(took < Duration::from_secs(5), "{took:?}");
        assert_eq!(rest, "");
        let error = stream.message().await.unwrap_err();
        assert_eq!(error.code(), tonic::Code::Unavailable, "{error}");
    }
}

/// `node.md` 12, 21: killed at any moment, what was acknowledged is there, in order, under ids
/// that nobody else gets.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_under_traffic_loses_nothing_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("node.db");
    let mut cursor = 0;
    let mut acknowledged: Vec<Vec<u8>> = Vec::new();
    let mut seen: Vec<(u64, Vec<u8>)> = Vec::new();
    for round in 0..3u8 {
        let program = serve(&database);
        let mut bo = Peer::at(&program.url()).await;
        let mut stream = bo.stream(&[(&group(1), cursor)]).await;
        let mut writers = Vec::new();
        for writer in 0..4u8 {
            let mut alix = Peer::at(&program.url()).await;
            writers.push(tokio::spawn(async move {
                let mut done = Vec::new();
                for number in 0u32.. {
                    let content = [&[round, writer], number.to_be_bytes().as_slice()].concat();
                    let data = private_message(&group(1), APPLICATION, &content);
                    if alix.send(data.clone()).await.is_err() {
                        break;
                    }
                    done.push(data);
                }
                done
            }));
        }
        for _ in 0..100 {
            let message = next(&mut stream).await;
            seen.push((message.id, message.data));
        }
        drop(program);
        while let Ok(Some(message)) = stream.message().await {
            let message = crate::peer::v1(message);
            seen.push((message.id, message.data));
        }
        cursor = seen.last().unwrap().0;
        for writer in writers {
            acknowledged.extend(writer.await.unwrap());
        }
    }
    let program = serve(&database);
    let mut bo = Peer::at(&program.url()).await;
    let stored: Vec<_> = bo
        .sync(&group(1))
        .await
        .into_iter()
        .map(|message| (message.id, message.data))
        .collect();
    assert!(stored.is_sorted_by(|a, b| a.0 < b.0));
    for data in &acknowledged {
        assert!(stored.iter().any(|(_, stored)| stored == data));
    }
    // The stream, resumed from its cursor each time, saw what is stored and nothing else. What
    // was stored but not yet delivered at the last kill comes now.
    let mut stream = bo.stream(&[(&group(1), cursor)]).await;
    while seen.len() < stored.len() {
        let message = next(&mut stream).await;
        seen.push((message.id, message.data));
    }
    assert_eq!(seen, stored);
    drop(program);
}

fn fails(mut command: Command) -> String {
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(output.stdout.is_empty());
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(text.lines().count(), 1, "{text}");
    text
}

#[test]
fn what_keeps_it_from_starting_is_one_sentence_and_exit_1() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| format!("sqlite:{}", folder.path().join(name).display());
    let ports = ["--listen", "127.0.0.1:0", "--http-listen", "127.0.0.1:0"];
    let with_database =
        |database: &str| command(&[ports.as_slice(), &["--database", database]].concat());

    let held = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = held.local_addr().unwrap().to_string();
    let text = fails(command(&["--listen", &address, "--database", &at("a.db")]));
    assert!(text.contains(&address) && text.contains("in use"), "{text}");

    let running = serve(&folder.path().join("b.db"));
    let text = fails(with_database(&at("b.db")));
    assert!(text.contains("in use by another program"), "{text}");
    drop(running);

    std::fs::write(folder.path().join("c.db"), vec![b'x'; 5_000]).unwrap();
    let text = fails(with_database(&at("c.db")));
    assert!(text.contains("cannot be opened"), "{text}");

    let text = fails(with_database("postgres://localhost/node"));
    assert!(text.contains("SQLite only"), "{text}");
    let text = fails(with_database("somewhere"));
    assert!(text.contains("sqlite:PATH"), "{text}");
    let text = fails(command(&["--config", "/nonexistent/node.toml"]));
    assert!(text.contains("/nonexistent/node.toml"), "{text}");
}

#[test]
fn wrong_usage_is_exit_2() {
    let output = command(&["--no-such-flag"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(output.stdout.is_empty());
}

#[test]
fn every_flag_is_an_environment_variable_and_a_key_of_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let database = format!("sqlite:{}", folder.path().join("env.db").display());
    let mut by_environment = command(&[]);
    by_environment
        .env("CONCLAVE_NODE_LISTEN", "127.0.0.1:0")
        .env("CONCLAVE_NODE_HTTP_LISTEN", "127.0.0.1:0")
        .env("CONCLAVE_NODE_DATABASE", &database);
    drop(start(by_environment));
    assert!(folder.path().join("env.db").exists());

    let file = folder.path().join("node.toml");
    let database = format!("sqlite:{}", folder.path().join("file.db").display());
    let text = format!(
        "listen = \"127.0.0.1:0\"\nhttp_listen = \"127.0.0.1:0\"\ndatabase = \"{database}\"\nlog = \"warn\"\n"
    );
    std::fs::write(&file, text).unwrap();
    drop(start(command(&["--config", file.to_str().unwrap()])));
    assert!(folder.path().join("file.db").exists());
}
