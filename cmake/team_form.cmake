# The parts of tests/conformance/test_team_twin: the GPU's source of the team form compiled by cc. -O1 is enough: bits do
# not depend on it.
foreach(model ${team_models})
  set(file ${CMAKE_BINARY_DIR}/generated/team_twin_${model}.c)
  file(CONFIGURE OUTPUT ${file} CONTENT
       "#define EG_TEAM\n#define EG_THREAD_FORM\n#define EG_MODEL_FILE \"models/${model}.h\"\n#define TWIN_SYMBOL team_twin_${model}\n#include \"${CMAKE_SOURCE_DIR}/tests/conformance/team_twin.c\"\n"
       @ONLY)
  target_sources(test_team_twin PRIVATE ${file})
  set_source_files_properties(${file} PROPERTIES COMPILE_OPTIONS
                              "-O1;-fopenmp-simd;-ffp-contract=off;-fno-math-errno;-fno-trapping-math;-I${CMAKE_SOURCE_DIR}/tests/conformance")
endforeach()
