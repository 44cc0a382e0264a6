//! What the person chose.

use diesel::prelude::*;

use crate::error::StoreError;
use crate::schema::settings;
use crate::transaction::{Reader, Tx};

impl Reader {
    /// The value of a setting; `None` if it was never set.
    pub fn setting(&self, name: &str) -> Result<Option<String>, StoreError> {
        self.with(|db| {
            settings::table
                .find(name)
                .select(settings::value)
                .get_result(db)
                .optional()
        })
    }
}

impl Tx {
    /// Sets a setting.
    pub fn set_setting(&self, name: &str, value: &str) -> Result<(), StoreError> {
        self.with(|db| {
            diesel::replace_into(settings::table)
                .values((settings::name.eq(name), settings::value.eq(value)))
                .execute(db)
        })?;
        Ok(())
    }
}
