#include <prometheus/registry.h>

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "common/base/error.h"
#include "common/http/upstream_metrics.h"
#include "common/ledger/ledgers.h"
#include "exporters/sql/reports.h"

using namespace exporter;
using namespace exporter::sql;

namespace {

constexpr std::size_t kMaxSize = 1 << 14;

/// The sources of a configuration file; nothing if it is rejected, which must be an Error{config}
/// that starts with the file's name.
std::vector<std::shared_ptr<Source>> read(std::string_view text) {
  static prometheus::Registry registry;
  static http::UpstreamMetrics upstreams(registry);
  std::vector<std::shared_ptr<Source>> sources;
  try {
    const auto file = Yaml::parse(text, "f.yml");
    const auto ledgers = std::make_shared<Ledgers>("");
    for (const auto& entry : file.required("sources").items()) {
      const auto name = entry.required("name").string();
      sources.push_back(
          kSources.make({name, entry, nullptr, upstreams, ledgers, false, true, &file}));
    }
    file.finish();
    return sources;
  } catch (const Error& error) {
    const std::string_view what = error.what();
    if (error.reason() != Reason::config || !what.starts_with("f.yml:")) std::abort();
    return {};
  }
}

}  // namespace

/// All reports about an accepted configuration must work.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > kMaxSize) return 0;
  const auto sources = read({reinterpret_cast<const char*>(data), size});
  for (const auto& source : sources) {
    const ReportInputs inputs{{}, {}, Deadline::in(std::chrono::minutes(1))};
    write_statements(*source, inputs);
    write_grants(*source, inputs);
  }
  return 0;
}
