//! Commands by name, for shells in other languages.

use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, value::RawValue};

use crate::{api::Api, error::ApiError, registry::for_each_command, types::*};

/// The JSON of a command's result, written once and passed on as it is.
pub type Answer = Box<RawValue>;

macro_rules! write_dispatcher {
    ($($(#[doc = $doc:literal])* $name:ident($args:ty) -> $result:ty;)*) => {
        impl Api {
            /// Runs a command by its name. `args` is the JSON of its arguments; null stands for
            /// none.
            ///
            /// # Errors
            /// `unknown_command`, `invalid_arguments`, and the command's own.
            pub async fn call(&self, command: &str, args: Value) -> Result<Answer, ApiError> {
                match command {
                    $(stringify!($name) => {
                        let args: $args = arguments(args)?;
                        // Boxed, so that a call is not as large as the largest command.
                        let result: $result = Box::pin(self.$name(args)).await?;
                        answer(&result)
                    })*
                    _ => Err(ApiError::new(
                        "unknown_command",
                        "This command does not exist. The page and the program may be of \
                         different versions; update both.",
                    )),
                }
            }
        }

        #[cfg(test)]
        const COMMANDS: &[&str] = &[$(stringify!($name)),*];
    };
}

for_each_command!(write_dispatcher);

fn arguments<T: DeserializeOwned>(args: Value) -> Result<T, ApiError> {
    let args = if args.is_null() {
        Value::Object(serde_json::Map::new())
    } else {
        args
    };
    serde_json::from_value(args).map_err(|error| {
        // Other texts of serde repeat the value, which may be a secret.
        let text = error.to_string();
        if text.starts_with("missing field") {
            ApiError::arguments(format!("The arguments can't be used: {text}."))
        } else {
            ApiError::arguments("The arguments can't be used: a field has a wrong type or value.")
        }
    })
}

fn answer(result: &impl Serialize) -> Result<Answer, ApiError> {
    serde_json::value::to_raw_value(result)
        .map_err(|error| ApiError::internal(format!("The answer can't be written: {error}.")))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_command_has_its_own_name() {
        let names: std::collections::BTreeSet<_> = COMMANDS.iter().collect();
        assert_eq!(names.len(), COMMANDS.len());
        assert!(names.contains(&"message_send"));
    }

    #[test]
    fn wrong_arguments_are_never_repeated() {
        let error =
            arguments::<WalletImport>(json!({ "kind": "private_key", "secret": 123_456_789 }))
                .err()
                .unwrap();
        assert_eq!(error.code, "invalid_arguments");
        assert!(!error.message.contains("123456789"));
        let error = arguments::<MessageSendArgs>(json!({ "text": "hi" }))
            .err()
            .unwrap();
        assert!(error.message.contains("conversation_id"));
        assert!(arguments::<Nothing>(Value::Null).is_ok());
    }
}
