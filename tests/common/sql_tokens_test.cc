#include <catch2/catch.hpp>
#include <string>
#include <utility>
#include <vector>

#include "common/sql/tokens.h"

using namespace exporter::sql;

namespace {

using enum Dialect;
constexpr Dialect kAll[] = {postgresql, mariadb, mysql, sqlite, sqlserver, other};

/// The tokens, each with a letter for its kind, and "!" if it is unterminated. Blanks between
/// tokens are left out.
std::string tokens(std::string_view text, Dialect dialect) {
  std::string result, whole;
  const std::string given(text);
  while (!text.empty()) {
    const auto token = next_token(text, dialect);
    REQUIRE(!token.text.empty());
    whole += token.text;
    if (token.kind == Token::Kind::code && token.text == " ") continue;
    if (!result.empty()) result += ' ';
    result += "cln#p;"[static_cast<int>(token.kind)];
    if (!token.is_complete) result += '!';
    result += '<' + std::string(token.text) + '>';
  }
  CHECK(whole == given);
  return result;
}

struct Case {
  std::vector<Dialect> dialects;
  std::string text, expected;
};

const std::vector<Dialect> kEvery(std::begin(kAll), std::end(kAll));
const std::vector<Dialect> kMysql = {mariadb, mysql};
const std::vector<Dialect> kStandard = {postgresql, sqlite, sqlserver, other};

const std::vector<Case> kCases = {
    {kEvery, "a1_ü +2", "c<a1_ü> c<+> c<2>"},
    {kEvery, "azAZ09_À,:zaZA90À", "c<azAZ09_À> c<,> p<:zaZA90À>"},
    {kEvery, ":z,:Z,:A,:a,:À", "p<:z> c<,> p<:Z> c<,> p<:A> c<,> p<:a> c<,> p<:À>"},
    {{sqlserver}, "[a\\] x", "n<[a\\]> c<x>"},
    {kEvery, "'it''s' x", "l<'it''s'> c<x>"},
    {kEvery, "'a''", "l!<'a''>"},
    {kEvery, "''", "l<''>"},
    {kEvery, "'", "l!<'>"},
    {kEvery, "'a:b;--/*' :p", "l<'a:b;--/*'> p<:p>"},
    {kMysql, "'it\\'s' x", "l<'it\\'s'> c<x>"},
    {kMysql, "'a\\\\' x", "l<'a\\\\'> c<x>"},
    {kMysql, "'a\\", "l!<'a\\>"},
    {kStandard, "'a\\' x", "l<'a\\'> c<x>"},
    {kStandard, "\"a\"\"b\" x", "n<\"a\"\"b\"> c<x>"},
    {kStandard, "\"a\\\" x", "n<\"a\\\"> c<x>"},
    {kMysql, "\"a\\\"b\" x", "l<\"a\\\"b\"> c<x>"},
    {{mariadb, mysql, sqlite, other}, "`a``:b` x", "n<`a``:b`> c<x>"},
    {{mariadb, mysql, sqlite, other}, "`a", "n!<`a>"},
    {{mariadb}, "`a\\` x", "n<`a\\`> c<x>"},
    {{postgresql, sqlserver}, "` x", "c<`> c<x>"},
    {{sqlserver}, "[a]]:b] x", "n<[a]]:b]> c<x>"},
    {{sqlserver, sqlite}, "[a:b] x", "n<[a:b]> c<x>"},
    {{sqlserver, sqlite}, "[a", "n!<[a>"},
    {{sqlite}, "[a]] x", "n<[a]> c<]> c<x>"},
    {{postgresql, mariadb, mysql, other}, "[a]", "c<[> c<a> c<]>"},
    {{postgresql}, "E'it\\'s' x", "l<E'it\\'s'> c<x>"},
    {{postgresql}, "e'a\\\\' x", "l<e'a\\\\'> c<x>"},
    {{postgresql}, "E'a\\'", "l!<E'a\\'>"},
    {{postgresql}, "typE'a\\' x", "c<typE> l<'a\\'> c<x>"},
    {{sqlite, sqlserver, other}, "E'a\\' x", "c<E> l<'a\\'> c<x>"},
    {{postgresql}, "$$a:b;'$$ x", "l<$$a:b;'$$> c<x>"},
    {{postgresql}, "$t$a$$b$t$ x", "l<$t$a$$b$t$> c<x>"},
    {{postgresql}, "$ü1$a$ü1$", "l<$ü1$a$ü1$>"},
    {{postgresql}, "$t$a", "l!<$t$a>"},
    {{postgresql}, "$1 + $2", "c<$> c<1> c<+> c<$> c<2>"},
    {{postgresql}, "$1$a$1$", "c<$> c<1> l!<$a$1$>"},
    {{postgresql}, "$a b$x$a b$", "c<$> c<a> c<b$x$a> c<b$>"},
    {{postgresql}, "a$t$ + :p", "c<a$t$> c<+> p<:p>"},
    {{postgresql}, "1$$a$$", "c<1> l<$$a$$>"},
    {{sqlite, mariadb}, "$$:p$$", "c<$> c<$> p<:p> c<$> c<$>"},
    {kStandard, "1--:a\n:b", "c<1> #<--:a\n> p<:b>"},
    {kEvery, "-- :a", "#<-- :a>"},
    {kEvery, "--", "#<-->"},
    {kEvery, "-- a\n\n", "#<-- a\n> c<\n>"},
    {kMysql, "1--:a", "c<1> c<-> c<-> p<:a>"},
    {kMysql, "1--\t:a\n:b", "c<1> #<--\t:a\n> p<:b>"},
    {kMysql, "# :a\n:b", "#<# :a\n> p<:b>"},
    {kStandard, "1 # :a", "c<1> c<#> p<:a>"},
    {{postgresql}, "-- a\r:b", "#<-- a\r> p<:b>"},
    {{sqlite, mariadb}, "-- a\r:b", "#<-- a\r:b>"},
    {kEvery, "/*:a*/:b", "#</*:a*/> p<:b>"},
    {kEvery, "/*/:a*/:b", "#</*/:a*/> p<:b>"},
    {kEvery, "/**/:b", "#</**/> p<:b>"},
    {kEvery, "/***/:b", "#</***/> p<:b>"},
    {kEvery, "/*a", "#!</*a>"},
    {kEvery, "/*", "#!</*>"},
    {kEvery, "a/b", "c<a> c</> c<b>"},
    {{postgresql, sqlserver}, "/*a/*:b*/:c*/:d", "#</*a/*:b*/:c*/> p<:d>"},
    {{postgresql, sqlserver}, "/*a/*b*/", "#!</*a/*b*/>"},
    {{postgresql, sqlserver}, "/*/**/*/:d", "#</*/**/*/> p<:d>"},
    {{mariadb, mysql, sqlite, other}, "/*a/*b*/:c", "#</*a/*b*/> p<:c>"},
    {kEvery, ";:a;", ";<;> p<:a> ;<;>"},
    {kEvery, "a::b", "c<a> c<::> c<b>"},
    {kEvery, ":a::b", "p<:a> c<::> c<b>"},
    {kEvery, "a := :b", "c<a> c<:=> p<:b>"},
    {kEvery, "a:=b", "c<a> c<:=> c<b>"},
    {kEvery, "12:30", "c<12> c<:> c<30>"},
    {kEvery, ":", "c<:>"},
    {kEvery, ":_a1,:B", "p<:_a1> c<,> p<:B>"},
    {kEvery, ":ü-x", "p<:ü> c<-> c<x>"},
    {kEvery, "x=:a)", "c<x> c<=> p<:a> c<)>"},
};

}  // namespace

TEST_CASE("tokens of statements, by dialect") {
  for (const auto& [dialects, text, expected] : kCases) {
    for (const auto dialect : dialects) {
      INFO(text << " as " << to_string(dialect));
      CHECK(tokens(text, dialect) == expected);
      // The tokenizer does not read beyond the end of the text.
      for (const char behind : std::string("'\"`]*/-$:=a \n")) {
        INFO(behind);
        CHECK(tokens(std::string_view(text + behind).substr(0, text.size()), dialect) == expected);
      }
    }
  }
  CHECK(tokens("\"a", postgresql) == "n!<\"a>");
  CHECK(tokens("\"a", mariadb) == "l!<\"a>");
  CHECK(tokens("a[1:2]", postgresql) == "c<a> c<[> c<1> c<:> c<2> c<]>");
}

TEST_CASE("the tokens of any text are the text") {
  const std::string_view pieces[] = {"'",  "\"",  "`",  "$",  "$a$", "[",  "]", "\\",
                                     "-",  "-- ", "/*", "*/", ":",   ":a", ";", "#",
                                     "\n", "\r",  "E'", " ",  "x1",  "ü"};
  std::uint32_t random = 1;
  const auto below = [&](std::size_t most) {
    random = random * 1664525 + 1013904223;
    return (random >> 8) % most;
  };
  for (int i = 0; i < 20000; ++i) {
    std::string text;
    for (auto count = 1 + below(8); count > 0; --count) text += pieces[below(std::size(pieces))];
    std::string_view rest = text;
    std::string whole;
    const auto dialect = kAll[below(std::size(kAll))];
    while (!rest.empty()) {
      const auto token = next_token(rest, dialect);
      if (token.text.empty()) FAIL("an empty token in " << text);
      if (!token.is_complete && !rest.empty()) FAIL("text behind what does not end: " << text);
      whole += token.text;
    }
    if (whole != text) FAIL(text);
  }
}
