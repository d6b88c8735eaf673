#pragma once

#include <map>
#include <string>
#include <vector>

#include "exporters/dbt/lister.h"

inline std::string metadata(const std::string& schema, int minute, const std::string& invocation) {
  const auto digits = std::to_string(100 + minute).substr(1);
  return R"({"metadata": {"dbt_schema_version": "https://schemas.getdbt.com/dbt/)" + schema +
         R"(.json", "generated_at": "2026-01-02T03:)" + digits + R"(:00Z", "invocation_id": ")" +
         invocation + "\"}, ";
}

/// A manifest with one model, model.shop.a, written at a minute of an hour.
inline std::string manifest(int minute, const std::string& invocation,
                            const std::string& materialized) {
  return metadata("manifest/v12", minute, invocation) +
         R"("nodes": {"model.shop.a": {"config": {"materialized": ")" + materialized + "\"}}}}";
}

/// The results of an invocation that ran this model.
inline std::string results(int minute, const std::string& invocation, const std::string& status,
                           const std::string& command = "build") {
  return metadata("run-results/v6", minute, invocation) + R"("args": {"which": ")" + command +
         R"("}, "results": [{"unique_id": "model.shop.a", "status": ")" + status + "\"}]}";
}

/// The results of an invocation that measured the freshness of a source, source.shop.app.events.
inline std::string freshness(int minute, const std::string& invocation, const std::string& status) {
  return metadata("sources/v3", minute, invocation) +
         R"("results": [{"unique_id": "source.shop.app.events", "status": ")" + status +
         R"(", "max_loaded_at": "2026-01-02T01:00:00Z"}]})";
}

/// Artifacts that a test provides, with the number of times that each was read.
class Listed {
 public:
  /// A new version of the artifact.
  void put(exporter::dbt::Kind kind, std::string text, exporter::dbt::End end,
           const std::string& command = "") {
    put(kind, std::move(text));
    all_.back().logged = [end, command](const std::string&) {
      return exporter::dbt::Logged{end, command};
    };
  }
  void put(exporter::dbt::Kind kind, std::string text, bool sets_to_work = true,
           const std::string& location = "target") {
    std::erase_if(all_, [&](const exporter::dbt::Found& found) {
      return found.kind == kind && found.location == location;
    });
    const auto version = std::to_string(++versions_);
    all_.push_back({kind,
                    location,
                    version,
                    text.size(),
                    exporter::dbt::Time(std::chrono::seconds(versions_)),
                    {std::string(to_string(kind)),
                     [this, version, text = std::move(text)](const auto& sink) {
                       ++reads_[version];
                       sink(text);
                     }},
                    [sets_to_work](const std::string&) { return sets_to_work; }});
  }

  void remove(const std::string& location) {
    std::erase_if(all_,
                  [&](const exporter::dbt::Found& found) { return found.location == location; });
  }

  exporter::dbt::Lister lister() {
    return {"the test", [this](const exporter::Deadline&) { return all_; },
            [this] { return ended; }};
  }
  /// dbt's log of the last command.
  std::vector<exporter::dbt::EndedCommand> ended;
  /// How often each version was read, in order.
  std::vector<int> reads() const {
    std::vector<int> counts;
    for (const auto& [version, count] : reads_) counts.push_back(count);
    return counts;
  }

 private:
  int versions_ = 0;
  std::vector<exporter::dbt::Found> all_;
  std::map<std::string, int> reads_;
};
