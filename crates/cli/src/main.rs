//! The program `conclave-cli`: one account on the command line, for people, scripts and bots, and
//! the bridge that web pages talk to. Names and JSON shapes are a contract (`cli.md`).

mod account;
mod archive;
mod arguments;
mod consent;
mod conversation;
mod device;
mod failure;
mod group;
mod history;
mod inbox;
mod input;
mod local_data;
mod message;
mod output;
mod serve;
mod shell;
mod signals;
mod wallet;

use std::process::ExitCode;

use clap::Parser as _;
use tracing_subscriber::EnvFilter;

use crate::{
    arguments::{AccountVerb, Arguments, Noun},
    failure::Failure,
    output::Output,
    shell::Shell,
};

fn main() -> ExitCode {
    // Wrong usage is told as JSON too, before there are arguments that say so.
    let json = std::env::args_os().any(|argument| argument == "--json");
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) if error.use_stderr() && json => {
            return Failure::usage(sentence(&error)).report(json);
        }
        Err(error) => error.exit(),
    };
    let default = match (&arguments.noun, json) {
        // Scripts read one JSON object on standard error.
        (Noun::Serve(_), _) | (_, false) => "warn",
        (_, true) => "off",
    };
    tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::try_from_default_env().unwrap_or_else(|_| default.into()))
        .with_writer(std::io::stderr)
        .init();
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return Failure::from(error).report(json),
    };
    match runtime.block_on(run(arguments)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(json),
    }
}

/// What is wrong with the arguments, as one sentence and what helps.
fn sentence(error: &clap::Error) -> String {
    let text = error.to_string();
    let first = text.lines().next().unwrap_or_default();
    let first = first
        .strip_prefix("error: ")
        .unwrap_or(first)
        .trim_end_matches(['.', ':']);
    format!("Wrong usage: {first}. See --help.")
}

async fn run(arguments: Arguments) -> Result<(), Failure> {
    let Arguments { mut common, noun } = arguments;
    // These never use the network, so they need no node either.
    common.offline |= matches!(
        noun,
        Noun::Account(AccountVerb::Show | AccountVerb::DeleteLocalDatabase { .. })
            | Noun::Archive(_)
            | Noun::Passphrase(_)
            | Noun::Data(_)
    );
    let output = Output::new(common.json);
    let shell = Shell::new(common, output)?;
    match noun {
        Noun::Account(AccountVerb::DeleteLocalDatabase { yes }) => {
            account::delete_local_database(&shell, yes).await
        }
        Noun::Serve(arguments) => serve::run(&shell, arguments).await,
        noun => {
            let api = shell.open().await?;
            let done = run_on_account(&shell.with(&api), noun).await;
            api.close().await;
            done
        }
    }
}

async fn run_on_account(account: &shell::Open<'_>, noun: Noun) -> Result<(), Failure> {
    match noun {
        Noun::Account(verb) => account::run(account, verb).await,
        Noun::Inbox(verb) => inbox::run(account, verb).await,
        Noun::Conversation(verb) => conversation::run(account, verb).await,
        Noun::Message(verb) => message::run(account, verb).await,
        Noun::Group(verb) => group::run(account, verb).await,
        Noun::Dm(verb) => group::run_dm(account, verb).await,
        Noun::Consent(verb) => consent::run(account, verb).await,
        Noun::Device(verb) => device::run(account, verb).await,
        Noun::Wallet(verb) => wallet::run(account, verb).await,
        Noun::History(verb) => history::run(account, verb).await,
        Noun::Archive(verb) => archive::run(account, verb).await,
        Noun::Passphrase(verb) => local_data::run_passphrase(account, verb).await,
        Noun::Data(verb) => local_data::run_data(account, verb).await,
        Noun::Serve(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrong_usage_is_one_sentence() {
        let error = Arguments::try_parse_from(["conclave-cli", "fly"]).unwrap_err();
        assert_eq!(
            sentence(&error),
            "Wrong usage: unrecognized subcommand 'fly'. See --help."
        );
    }
}
