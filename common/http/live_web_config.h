#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "common/base/deadline.h"
#include "common/http/tls.h"
#include "common/http/web_config.h"

namespace exporter::http {

/// A web configuration file that is read again when it, or a file that it names, has changed.
class LiveWebConfig {
 public:
  struct Generation {
    WebConfig config;
    std::optional<TlsContext> tls;
  };

  /// Throws Error{config} as WebConfig::load(). `reloaded` hears how each later attempt went.
  LiveWebConfig(std::string path, std::function<void(bool successful)> reloaded);

  /// The configuration in force. Looks for changes at most once a second; a faulty one, or one that
  /// switches TLS on or off, is logged once and leaves the old one in force.
  std::shared_ptr<const Generation> current();

 private:
  /// What changes when a file does.
  struct Stamp {
    dev_t device;
    ino_t inode;
    off_t size;
    std::int64_t modified_ns, changed_ns;
    bool operator==(const Stamp&) const = default;
  };
  static std::vector<Stamp> stamps(const std::vector<std::string>& files);

  void load();
  void reload();

  const std::string path_;
  const std::function<void(bool)> reloaded_;
  std::mutex mutex_;
  std::shared_ptr<const Generation> current_;
  std::vector<Stamp> stamps_;
  Clock::time_point next_look_;
  std::string fault_;  ///< of the last reload; empty when it went well
};

}  // namespace exporter::http
