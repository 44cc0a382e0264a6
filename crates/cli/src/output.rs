//! What is printed: JSON lines for programs, records and tables for people.

use std::io::{self, Write as _};

use conclave_api::types::{
    Account, Admins, AllSync, Conversation, ConversationDetails, GroupDebug, GroupSync,
    Installation, InstallationKeys, Member, MembershipResult, Message, Permissions, Pin, Resolved,
    Role, Saved, SearchHit,
};
use serde::Serialize;

/// What a person sees of a thing.
pub(crate) trait Shown {
    /// Names and values, in the order of a record's lines or of a table's columns.
    fn fields(&self) -> Vec<(&'static str, String)>;
}

/// Where results go.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Output {
    json: bool,
}

impl Output {
    pub(crate) fn new(json: bool) -> Self {
        Self { json }
    }

    /// Prints one thing.
    pub(crate) fn item(self, item: &(impl Serialize + Shown)) -> io::Result<()> {
        if self.json {
            print(&line(item)?)
        } else {
            print(&record(&item.fields()))
        }
    }

    /// Prints a list.
    pub(crate) fn list<T: Serialize + Shown>(self, items: &[T]) -> io::Result<()> {
        if self.json {
            let mut lines = String::new();
            for item in items {
                lines.push_str(&line(item)?);
            }
            return print(&lines);
        }
        print(&table(&items.iter().map(Shown::fields).collect::<Vec<_>>()))
    }

    /// Prints a text for people; scripts read only things.
    pub(crate) fn note(self, text: &str) -> io::Result<()> {
        if self.json {
            return Ok(());
        }
        let lines: Vec<String> = text.lines().map(plain).collect();
        print(&format!("{}\n", lines.join("\n")))
    }

    /// Prints one thing of a stream.
    pub(crate) fn next(self, item: &(impl Serialize + Shown)) -> io::Result<()> {
        if self.json {
            return print(&line(item)?);
        }
        let cells: Vec<String> = item
            .fields()
            .into_iter()
            .map(|(_, text)| plain(&text))
            .collect();
        print(&format!("{}\n", cells.join("  ")))
    }
}

fn print(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

fn line(item: &impl Serialize) -> io::Result<String> {
    let mut line = serde_json::to_string(item).map_err(io::Error::other)?;
    line.push('\n');
    Ok(line)
}

/// Text of others without what could steer a terminal.
fn plain(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}

fn record(fields: &[(&'static str, String)]) -> String {
    let width = fields
        .iter()
        .map(|(name, _)| name.len())
        .max()
        .unwrap_or_default();
    fields
        .iter()
        .map(|(name, text)| format!("{name:width$}  {}\n", plain(text)))
        .collect()
}

fn table(rows: &[Vec<(&'static str, String)>]) -> String {
    let Some(first) = rows.first() else {
        return String::new();
    };
    let headings: Vec<String> = first.iter().map(|(name, _)| (*name).to_owned()).collect();
    let cells = rows
        .iter()
        .map(|row| row.iter().map(|(_, text)| plain(text)).collect());
    let lines: Vec<Vec<String>> = std::iter::once(headings).chain(cells).collect();
    let width = |column: usize| {
        lines
            .iter()
            .filter_map(|line| line.get(column))
            .map(|cell| cell.chars().count())
            .max()
    };
    let widths: Vec<usize> = (0..first.len()).filter_map(width).collect();
    let mut text = String::new();
    for line in &lines {
        let padded: Vec<String> = line
            .iter()
            .zip(&widths)
            .map(|(cell, width)| format!("{cell:width$}"))
            .collect();
        text.push_str(padded.join("  ").trim_end());
        text.push('\n');
    }
    text
}

fn word(value: impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        _ => String::new(),
    }
}

fn yes(value: bool) -> String {
    if value { "yes" } else { "no" }.to_owned()
}

/// What a deletion answers.
#[derive(Serialize)]
pub(crate) struct Deleted {
    deleted: bool,
    /// What is gone and what stays, for people.
    #[serde(skip)]
    what: &'static str,
}

impl Deleted {
    pub(crate) fn of(what: &'static str) -> Self {
        let deleted = true;
        Self { deleted, what }
    }
}

impl Shown for Deleted {
    fn fields(&self) -> Vec<(&'static str, String)> {
        vec![("deleted", self.what.to_owned())]
    }
}

impl Shown for Saved {
    fn fields(&self) -> Vec<(&'static str, String)> {
        vec![("saved", self.path.clone())]
    }
}

impl Shown for Account {
    fn fields(&self) -> Vec<(&'static str, String)> {
        let mut fields = vec![
            ("inbox id", self.inbox_id.clone()),
            ("installation id", self.installation_id.clone()),
            ("address", self.address.clone()),
            ("node", self.node.clone()),
            ("registered", yes(self.registered)),
        ];
        if let Some(phrase) = &self.recovery_phrase {
            fields.push((
                "recovery phrase (write it down, it is not shown again)",
                phrase.clone(),
            ));
        }
        fields
    }
}

impl Shown for Resolved {
    fn fields(&self) -> Vec<(&'static str, String)> {
        vec![
            ("who", self.who.clone()),
            ("inbox id", self.inbox_id.clone().unwrap_or_default()),
            ("reachable", yes(self.reachable)),
            ("addresses", self.addresses.join(" ")),
            ("problem", self.problem.clone().unwrap_or_default()),
        ]
    }
}

impl Shown for Conversation {
    fn fields(&self) -> Vec<(&'static str, String)> {
        let name = match (&self.peer_address, &self.peer_inbox_id) {
            (Some(address), _) => address.clone(),
            (None, Some(inbox_id)) => inbox_id.clone(),
            (None, None) => self.name.clone(),
        };
        vec![
            ("id", self.id.clone()),
            ("kind", word(self.kind)),
            ("name", name),
            ("members", self.member_count.to_string()),
            ("unread", self.unread_count.to_string()),
            ("consent", word(self.consent)),
            (
                "active",
                if self.leaving {
                    "leaving".to_owned()
                } else {
                    yes(self.is_active)
                },
            ),
            (
                "last",
                self.preview
                    .as_ref()
                    .map(|last| last.text.clone())
                    .unwrap_or_default(),
            ),
        ]
    }
}

impl Shown for ConversationDetails {
    fn fields(&self) -> Vec<(&'static str, String)> {
        let conversation = &self.conversation;
        let mut fields = conversation.fields();
        fields.extend([
            ("description", conversation.description.clone()),
            ("image", conversation.image_url.clone()),
            ("created by", conversation.creator_inbox_id.clone()),
            ("added by", conversation.added_by_inbox_id.clone()),
            ("epoch", conversation.epoch.to_string()),
            ("permissions", self.permissions.preset.clone()),
            (
                "messages disappear",
                conversation.disappearing.as_ref().map_or_else(
                    || yes(false),
                    |times| format!("{} ns after sending", times.in_ns),
                ),
            ),
        ]);
        fields
    }
}

impl Shown for Permissions {
    fn fields(&self) -> Vec<(&'static str, String)> {
        let metadata: Vec<String> = self
            .update_metadata
            .iter()
            .map(|(field, rule)| format!("{field}={rule}"))
            .collect();
        let custom: Vec<String> = self
            .custom
            .iter()
            .map(|(key, policy)| format!("{key}={policy}"))
            .collect();
        vec![
            ("preset", self.preset.clone()),
            ("add_member", self.add_member.clone()),
            ("remove_member", self.remove_member.clone()),
            ("add_admin", self.add_admin.clone()),
            ("remove_admin", self.remove_admin.clone()),
            ("update_permissions", self.update_permissions.clone()),
            ("update_metadata", metadata.join(" ")),
            ("custom", custom.join(" ")),
        ]
    }
}

impl Shown for Admins {
    fn fields(&self) -> Vec<(&'static str, String)> {
        vec![
            ("admins", self.admins.join(" ")),
            ("super admins", self.super_admins.join(" ")),
        ]
    }
}

impl Shown for Pin {
    fn fields(&self) -> Vec<(&'static str, String)> {
        let text = self.message.as_ref().map(|found| found.text.clone());
        vec![
            ("message", self.message_id.clone()),
            (
                "text",
                text.unwrap_or_else(|| "not on this device".to_owned()),
            ),
        ]
    }
}

impl Shown for Message {
    fn fields(&self) -> Vec<(&'static str, String)> {
        vec![
            ("sent (ns)", self.sent_at_ns.clone()),
            ("from", self.sender_inbox_id.chars().take(12).collect()),
            ("delivery", word(self.delivery)),
            ("id", self.id.chars().take(12).collect()),
            ("text", self.text.clone()),
        ]
    }
}

impl Shown for SearchHit {
    fn fields(&self) -> Vec<(&'static str, String)> {
        let marked = self.snippet.iter().map(|part| match part.is_match {
            true => format!("[{}]", part.text),
            false => part.text.clone(),
        });
        vec![
            ("sent (ns)", self.message.sent_at_ns.clone()),
            ("conversation", self.message.conversation_id.clone()),
            (
                "from",
                self.message.sender_inbox_id.chars().take(12).collect(),
            ),
            ("id", self.message.id.clone()),
            ("text", marked.collect()),
        ]
    }
}

impl Shown for Member {
    fn fields(&self) -> Vec<(&'static str, String)> {
        vec![
            ("inbox id", self.inbox_id.clone()),
            (
                "role",
                match self.role {
                    Role::Member => "member",
                    Role::Admin => "admin",
                    Role::SuperAdmin => "super admin",
                }
                .to_owned(),
            ),
            ("devices", self.installation_ids.len().to_string()),
            (
                "you",
                if self.is_self {
                    "you".to_owned()
                } else {
                    String::new()
                },
            ),
            ("addresses", self.addresses.join(" ")),
        ]
    }
}

impl Shown for MembershipResult {
    fn fields(&self) -> Vec<(&'static str, String)> {
        let mut fields = Vec::new();
        for (name, inboxes) in [("added", &self.added), ("removed", &self.removed)] {
            fields.extend(inboxes.as_ref().map(|inboxes| (name, inboxes.join(" "))));
        }
        fields.extend(
            self.failed
                .iter()
                .map(|one| ("failed", format!("{}: {}", one.who, one.message))),
        );
        fields
    }
}

impl Shown for GroupSync {
    fn fields(&self) -> Vec<(&'static str, String)> {
        vec![
            ("new messages", self.new_messages.to_string()),
            ("published", self.published.to_string()),
            ("failed", self.failed.to_string()),
        ]
    }
}

impl Shown for AllSync {
    fn fields(&self) -> Vec<(&'static str, String)> {
        vec![
            ("conversations synced", self.synced.to_string()),
            ("failed", self.failed.to_string()),
            ("new messages", self.new_messages.to_string()),
        ]
    }
}

impl Shown for GroupDebug {
    fn fields(&self) -> Vec<(&'static str, String)> {
        vec![
            ("epoch", self.epoch.to_string()),
            ("epoch authenticator", self.epoch_authenticator.clone()),
            ("cursor", self.cursor.to_string()),
            ("fork", self.fork.clone()),
            ("leaves", self.leaf_count.to_string()),
        ]
    }
}

impl Shown for Installation {
    fn fields(&self) -> Vec<(&'static str, String)> {
        vec![
            ("installation id", self.installation_id.clone()),
            ("this", yes(self.this)),
            (
                "created (ns)",
                self.created_at_ns.clone().unwrap_or_default(),
            ),
            ("name", self.name.clone().unwrap_or_default()),
            (
                "keys made (ns)",
                match &self.keys {
                    InstallationKeys::Unknown {} => String::new(),
                    InstallationKeys::Renewed { at_ns } => at_ns.clone(),
                    InstallationKeys::Unusable {} => "none".to_owned(),
                },
            ),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let row =
            |name: &str, text: &str| vec![("name", name.to_owned()), ("text", text.to_owned())];
        assert_eq!(
            table(&[row("Alix", "hi"), row("Bö", "hello there")]),
            "name  text\nAlix  hi\nBö    hello there\n"
        );
        assert_eq!(table(&[]), "");
    }

    #[test]
    fn texts_of_others_do_not_steer_the_terminal() {
        assert_eq!(
            record(&[("text", "a\u{1b}[31mb\nc".into())]),
            "text  a [31mb c\n"
        );
    }
}
