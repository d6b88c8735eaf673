#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "exporters/dbt/follower.h"
#include "exporters/dbt/projects.h"
#include "tests/exporters/dbt/fake_cloud.h"

using Lines = std::vector<std::string>;

/// A time of today without a fraction of a second, so that pages can be compared.
exporter::dbt::Time ago(std::chrono::seconds age);
std::string iso(exporter::dbt::Time time);
/// As a sample's value.
std::string seconds(exporter::dbt::Time time);

/// A run of two steps, the second a `dbt build`; 10 is the status of success.
FakeRun ended(std::int64_t id, std::int64_t job, std::chrono::seconds age, int status = 10);
FakeRun running(std::int64_t id, std::int64_t job, std::chrono::seconds age);

/// Results of one model, model.shop.a.
std::string results(const std::string& invocation, exporter::dbt::Time at,
                    const std::string& status = "success");
std::string manifest(const std::string& invocation, exporter::dbt::Time at);

/// An exporter's view of one account.
class Account {
 public:
  /// `more` is added to the configuration of the account.
  explicit Account(const FakeCloud& cloud, const std::string& more = "",
                   const std::string& token = "sesame", const std::string& state = "");

  /// The samples after another update.
  Lines look();
  /// The error of the last update.
  const std::optional<exporter::Error>& error() const { return error_; }
  const exporter::dbt::Project& project() const { return follower_.project(); }
  const exporter::Ledger& ledger() const { return follower_.ledger(); }

 private:
  Lines lines() const;

  std::shared_ptr<exporter::dbt::ProjectSource> project_;
  exporter::dbt::Follower follower_;
  std::optional<exporter::Error> error_;
};

/// The samples on a page.
Lines lines_of(std::string_view page);
/// The rest of the lines that start like this.
Lines of(const Lines& lines, const std::string& family);
