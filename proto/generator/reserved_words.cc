#include "proto/generator/reserved_words.h"

#include <algorithm>
#include <iterator>

namespace udsrpc::generator {
namespace {

constexpr std::string_view kReservedWords[] = {
    // [lex.key] of C++20 with [lex.digraph]; contract_assert is C++26's, typeof GNU's.
    "alignas", "alignof", "and", "and_eq", "asm", "auto", "bitand", "bitor", "bool", "break", "case", "catch", "char",
    "char16_t", "char32_t", "char8_t", "class", "co_await", "co_return", "co_yield", "compl", "concept", "const",
    "const_cast", "consteval", "constexpr", "constinit", "continue", "contract_assert", "decltype", "default", "delete",
    "do", "double", "dynamic_cast", "else", "enum", "explicit", "export", "extern", "false", "float", "for", "friend",
    "goto", "if", "inline", "int", "long", "mutable", "namespace", "new", "noexcept", "not", "not_eq", "nullptr",
    "operator", "or", "or_eq", "private", "protected", "public", "register", "reinterpret_cast", "requires", "return",
    "short", "signed", "sizeof", "static", "static_assert", "static_cast", "struct", "switch", "template", "this",
    "thread_local", "throw", "true", "try", "typedef", "typeid", "typename", "typeof", "union", "unsigned", "using",
    "virtual", "void", "volatile", "wchar_t", "while", "xor", "xor_eq",
    // Macros of the C library, and GNU C++'s own (linux, unix), that read like the name of a method. Its many constants
    // in capitals (EINVAL, SIGINT) do not, and are left out.
    "EOF", "INFINITY", "NAN", "NULL", "alloca", "assert", "errno", "linux", "offsetof", "setjmp", "stderr", "stdin",
    "stdout", "unix", "va_arg", "va_copy", "va_end", "va_start"};

}  // namespace

bool IsReservedWord(std::string_view word) {
  return std::find(std::begin(kReservedWords), std::end(kReservedWords), word) != std::end(kReservedWords);
}

}  // namespace udsrpc::generator
