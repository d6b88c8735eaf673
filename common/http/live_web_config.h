#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

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

  /// Throws Error{config} as WebConfig::load() does. `reloaded` is called with the result of each
  /// later attempt, from another thread.
  LiveWebConfig(const std::string& path, std::function<void(bool successful)> reloaded);
  ~LiveWebConfig();
  LiveWebConfig(const LiveWebConfig&) = delete;
  LiveWebConfig& operator=(const LiveWebConfig&) = delete;

  /// The current configuration. Checks for changes at most once a second. An invalid configuration,
  /// or one that would switch TLS on or off, is logged once, and the old one remains. The same
  /// applies to a file system that does not respond: one call waits a second for it, later calls do
  /// not wait. After five seconds that counts as a failed attempt until it responds.
  std::shared_ptr<const Generation> current();

 private:
  /// Identifies a version of a file.
  struct Stamp {
    dev_t device;
    ino_t inode;
    off_t size;
    std::int64_t modified_ns, changed_ns;
    bool operator==(const Stamp&) const = default;
  };
  static std::vector<Stamp> stamps(const std::vector<std::string>& files);

  struct Loaded {
    std::shared_ptr<const Generation> generation;
    std::vector<Stamp> stamps;
  };
  /// Reads the file; `current` is the generation to replace, or null.
  static Loaded load(const std::string& path, const Generation* current);

  /// Shared with the watching thread, which may outlive this on a hung file system.
  struct Shared;
  static void watch(const std::shared_ptr<Shared>& shared);

  std::shared_ptr<Shared> shared_;
  std::thread watcher_;
};

}  // namespace exporter::http
