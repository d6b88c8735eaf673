// Reads the manifest in a target directory once, as dbt_exporter does: bench_dbt DIRECTORY. Prints
// the number of nodes, the seconds and CPU seconds that it took, and in bytes the size of the nodes
// and the growth of the process.

#include <malloc.h>

#include <chrono>
#include <cstdio>
#include <ctime>
#include <fstream>
#include <string>

#include "exporters/dbt/lister.h"
#include "exporters/dbt/manifest.h"

using namespace exporter;

namespace {

std::size_t held_bytes() {
  const auto heap = ::mallinfo2();
  return heap.uordblks + heap.hblkhd;
}

/// The peak resident memory. getrusage() would include the parent's.
std::size_t peak_bytes() {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;) {
    if (word != "VmHWM:") continue;
    std::size_t kibibytes = 0;
    status >> kibibytes;
    return kibibytes * 1024;
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  const auto found = dbt::directories(argv[1])(Deadline::in(std::chrono::minutes(1)));
  if (found.size() != 1 || found[0].kind != dbt::Kind::manifest) return 1;
  const auto held = held_bytes(), peak = peak_bytes();
  const auto cpu = std::clock();
  const auto begin = std::chrono::steady_clock::now();
  const auto manifest = dbt::read_manifest(found[0].artifact);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  const auto cpu_seconds = static_cast<double>(std::clock() - cpu) / CLOCKS_PER_SEC;
  std::printf("%zu %.6f %.6f %zu %zu\n", manifest.nodes.size(), took.count(), cpu_seconds,
              held_bytes() - held, peak_bytes() - peak);
  return 0;
}
