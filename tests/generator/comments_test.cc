#include "proto/generator/comments.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/descriptor.pb.h"
#include "gtest/gtest.h"
#include "tests/generator/parse_proto.h"

namespace udsrpc::generator {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(CommentLinesTest, KeepsTextAsItIs) {
  EXPECT_THAT(CommentLines(" one\n\n   two /* three */ \"four\" $five$\tsix\n"),
              ElementsAre(" one", "", "   two /* three */ \"four\" $five$\tsix"));
  EXPECT_THAT(CommentLines(" \xC3\xA9 \xE6\x97\xA5 \xF0\x9F\x98\x80"),
              ElementsAre(" \xC3\xA9 \xE6\x97\xA5 \xF0\x9F\x98\x80"));
}

TEST(CommentLinesTest, EmptyTextIsOneEmptyLine) {
  EXPECT_THAT(CommentLines(""), ElementsAre(""));
  EXPECT_THAT(CommentLines("\n"), ElementsAre(""));
}

TEST(CommentLinesTest, NoLineEndsInABackslash) {
  EXPECT_THAT(CommentLines("a\\\nb \\  \t\n\\"), ElementsAre("a\\ //", "b \\ //", "\\ //"));
  EXPECT_THAT(CommentLines("a\\\r\nb\?\?/\nc\?\?/ "), ElementsAre("a\\ //", "b\?\?/ //", "c\?\?/ //"));
  EXPECT_THAT(CommentLines("a\\b \?\?/ c"), ElementsAre("a\\b \?\?/ c"));
}

TEST(CommentLinesTest, OnlyALineFeedEndsALine) {
  EXPECT_THAT(CommentLines("a\r\nb"), ElementsAre("a", "b"));
  EXPECT_THAT(CommentLines("a\rint b;\vint c;\fint d;"), ElementsAre("a?int b;?int c;?int d;"));
  EXPECT_THAT(CommentLines(std::string("a\0b\x7F", 4)), ElementsAre("a?b?"));
  EXPECT_THAT(CommentLines("a\xC2\x85 b\xE2\x80\xA8 c\xE2\x80\xA9 d"), ElementsAre("a? b? c? d"));
}

TEST(CommentLinesTest, NothingChangesTheDirectionOfText) {
  EXPECT_THAT(CommentLines("a\xE2\x80\xAE b\xE2\x81\xA6 c\xE2\x80\x8F d\xD8\x9C e"), ElementsAre("a? b? c? d? e"));
  // The neighbours of those characters are harmless.
  EXPECT_THAT(CommentLines("\xE2\x80\xA7\xE2\x80\xAF\xE2\x81\xAA"),
              ElementsAre("\xE2\x80\xA7\xE2\x80\xAF\xE2\x81\xAA"));
}

TEST(CommentLinesTest, MalformedUtf8IsReplaced) {
  const std::vector<std::string> malformed = {
      "\x80",              // a continuation alone
      "\xC0\x80",          // overlong, two bytes
      "\xE0\x9F\xBF",      // overlong, three
      "\xF0\x8F\xBF\xBF",  // overlong, four
      "\xED\xA0\x80",      // a surrogate
      "\xF4\x90\x80\x80",  // above U+10FFFF
      "\xF5\x80\x80\x80",  // no such lead byte
      "\xFF",
  };
  for (const std::string& bytes : malformed) {
    EXPECT_THAT(CommentLines("a" + bytes + "b"), ElementsAre("a" + std::string(bytes.size(), '?') + "b"));
  }
  // Cut short, by the end and by another character.
  EXPECT_THAT(CommentLines("a\xE6\x97"), ElementsAre("a??"));
  EXPECT_THAT(CommentLines("a\xE6\x97z\xC3"), ElementsAre("a??z?"));
}

TEST(CommentsOfTest, LeadingTrailingAndDetached) {
  google::protobuf::DescriptorPool pool;
  const google::protobuf::FileDescriptor* file = ParseProto(pool, "x.proto", R"(
      syntax = "proto3";
      message M {}

      // Detached 1.

      /* Detached 2,
       * in a block. */

      // Leading.
      service S {  // Trailing.
        rpc Bare(M) returns (M);

        // Of the method.
        rpc Call(M) returns (M);
      })");
  ASSERT_NE(file, nullptr);
  const Comments service = CommentsOf(*file->service(0));
  EXPECT_THAT(service.detached, ElementsAre(ElementsAre(" Detached 1."), ElementsAre(" Detached 2,", " in a block.")));
  EXPECT_THAT(service.attached, ElementsAre(" Leading.", "", " Trailing."));
  EXPECT_THAT(CommentsOf(*file->service(0)->method(0)).detached, IsEmpty());
  EXPECT_THAT(CommentsOf(*file->service(0)->method(0)).attached, IsEmpty());
  EXPECT_THAT(CommentsOf(*file->service(0)->method(1)).attached, ElementsAre(" Of the method."));
}

TEST(CommentsOfTest, WithoutSourceInformationThereAreNone) {
  google::protobuf::DescriptorPool pool;
  google::protobuf::FileDescriptorProto proto;
  proto.set_name("x.proto");
  proto.add_service()->set_name("S");
  EXPECT_THAT(CommentsOf(*pool.BuildFile(proto)->service(0)).attached, IsEmpty());
}

}  // namespace
}  // namespace udsrpc::generator
