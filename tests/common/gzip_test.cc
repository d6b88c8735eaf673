#include "common/metric/gzip.h"

#include <catch2/catch.hpp>
#include <random>
#include <vector>

#include "tests/support/gunzip.h"

using namespace exporter;

namespace {

std::string member_of(const std::vector<std::string>& raws, int level) {
  GzipMember member;
  std::string out(GzipMember::header());
  for (const auto& raw : raws) {
    const auto piece = deflate_blocks(raw, level);
    member.add(piece);
    out += piece.bytes;
  }
  return out + member.trailer();
}

}  // namespace

TEST_CASE("joined pieces are one valid gzip member of the whole text") {
  std::minstd_rand random(7);
  for (const int level : {0, 1, 6, 9}) {
    std::vector<std::string> raws = {"", "a", std::string(100'000, 'x')};
    std::string noise(70'000, '\0');
    for (auto& c : noise) c = static_cast<char>(random());
    raws.push_back(noise);
    std::string all;
    for (const auto& raw : raws) all += raw;
    CHECK(gunzip_one_member(member_of(raws, level)) == all);
  }
}

TEST_CASE("an empty page is a valid gzip member") {
  CHECK(gunzip_one_member(member_of({}, 6)).empty());
}

TEST_CASE("a piece does not depend on what was compressed before it") {
  const auto first = deflate_blocks("one page", 1).bytes;
  deflate_blocks(std::string(50'000, 'z'), 1);
  CHECK(deflate_blocks("one page", 1).bytes == first);
}
