# The parts of tests/conformance/test_population_form: the GPU's population driver compiled by cc ("twins"), and the CPU
# driver, per dimension.
if(NOT TARGET test_population_form OR NOT CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
  return()
endif()
set(population_flags -O1 -ffp-contract=off -fno-math-errno -fno-trapping-math -fopenmp-simd)
foreach(dim 1 2 12)
  set(model "#define EG_DIM ${dim}\n#define EG_MODEL_FILE \"models/mean_field_linear.h\"\n")
  set(file ${CMAKE_BINARY_DIR}/generated/population_twin_${dim}.c)
  file(CONFIGURE OUTPUT ${file} CONTENT
       "${model}#define TWIN_SYMBOL population_twin_${dim}\n#include \"population_twin.c\"\n" @ONLY)
  set(sources ${file})
  set_source_files_properties(${file} PROPERTIES COMPILE_OPTIONS "-march=x86-64-v3")
  foreach(isa v3 v4)
    set(file ${CMAKE_BINARY_DIR}/generated/population_cpu_${dim}_${isa}.c)
    file(CONFIGURE OUTPUT ${file} CONTENT
         "${model}#define EG_UNIT_SYMBOL population_cpu_${dim}_${isa}\n#define EG_ISA_NAME \"${isa}\"\n#include \"unit_cpu.c\"\n"
         @ONLY)
    list(APPEND sources ${file})
    set_source_files_properties(${file} PROPERTIES COMPILE_OPTIONS "-march=x86-64-${isa}")
  endforeach()
  add_library(eg_population_form_${dim} OBJECT ${sources})
  target_link_libraries(eg_population_form_${dim} PRIVATE ensgrad_flags)
  target_include_directories(eg_population_form_${dim} PRIVATE ${CMAKE_SOURCE_DIR}/tests/conformance)
  target_compile_options(eg_population_form_${dim} PRIVATE ${population_flags})
  target_sources(test_population_form PRIVATE $<TARGET_OBJECTS:eg_population_form_${dim}>)
endforeach()
